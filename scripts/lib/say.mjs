/** What the commands print, in one style. */

/** An error whose message is for people: printed as it is, without a stack. */
export class UserError extends Error {}

/** Something is about to happen. `why` is for what takes long. @param {string} what @param {string} [why] */
export function step(what, why) {
  console.log(`• ${what}${why ? `\n  ${why}` : ""}`);
}

/** Nothing had to be done, or it is done. @param {string} what */
export function done(what) {
  console.log(`✓ ${what}`);
}

/** A fact worth knowing that stops nothing. @param {string} what */
export function note(what) {
  console.log(`! ${what}`);
}

/** @param {number} milliseconds @returns {string} such as "850 ms", "3.2 s" or "2 min 5 s" */
export function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * Runs a command's main function; a `UserError` ends it with its message, any other error with its stack, both non-zero.
 * @param {() => Promise<number | void>} body returns the exit code, 0 when it returns nothing
 */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    console.error(error instanceof UserError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
