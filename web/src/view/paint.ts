/** When what was drawn is on screen, as far as a page can know. */

/**
 * Calls back when the frame that holds all changes made until now has been laid out and painted, with that time (as
 * performance.now() has it). In a tab that is not seen there is no frame: it is called when there is one.
 */
export function afterPaint(then: (time: number) => void): void {
  requestAnimationFrame(() => {
    // A frame's layout and paint follow its callbacks at once; the next task is the first thing after them.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      then(performance.now());
    };
    port2.postMessage(null);
  });
}

/** The bytes of a bundle are there. Marks on the browser's own timeline, for whoever measures how long loading takes. */
export function markBundle(): void {
  performance.mark("charglow:bundle");
}

const FIRST_COLOUR = "charglow:first-colour";

/** Calls back once, when there are colours for the first time. */
export function onFirstColour(then: () => void): void {
  new PerformanceObserver((list, observer) => {
    if (list.getEntriesByName(FIRST_COLOUR).length === 0) return;
    observer.disconnect();
    then();
  }).observe({ type: "mark", buffered: true });
}

/** The first colours of the model that was opened last are on screen: "charglow:load" is what it took since its bundle was there. */
export function markFirstColour(): void {
  performance.mark(FIRST_COLOUR);
  if (performance.getEntriesByName("charglow:bundle").length > 0) performance.measure("charglow:load", "charglow:bundle", FIRST_COLOUR);
}
