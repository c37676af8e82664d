/** Side by side: in every round each contestant is measured once, so that whatever slows the machine down slows all of them. */

/**
 * @typedef {{id: string, sample: (count: number) => Promise<number>}} Measured sample: the mean milliseconds of `count` runs
 *
 * @typedef {object} Effort
 * @property {number} rounds
 * @property {number} sampleMs how long a sample should take: quick runs are repeated
 * @property {number} budgetMs how long a contestant may take for a case: slow ones are in fewer rounds
 */

/**
 * Warms every contestant up, then measures all in turn, each round beginning with another one.
 * @param {readonly Measured[]} contestants @param {Effort} effort
 * @returns {Promise<Record<string, number[]>>} milliseconds of one run by contestant, a number for each round it was in
 */
export async function measureRounds(contestants, { rounds, sampleMs, budgetMs }) {
  /** @type {Record<string, number[]>} */
  const results = {};
  /** @type {{contestant: Measured, count: number, rounds: number}[]} */
  const entered = [];
  for (const contestant of contestants) {
    let ms = await contestant.sample(1);
    // The first run compiles and allocates, and engines optimise what they have run for a while. What takes long by itself has
    // had that while.
    if (ms < 1000) ms = await contestant.sample(Math.max(1, Math.min(200, Math.round((4 * sampleMs) / ms))));
    const count = Math.max(1, Math.min(1000, Math.round(sampleMs / ms)));
    entered.push({ contestant, count, rounds: Math.max(1, Math.min(rounds, Math.floor(budgetMs / (ms * count)))) });
    results[contestant.id] = [];
  }
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < entered.length; place++) {
      const one = entered[(place + round) % entered.length];
      if (one && round < one.rounds) results[one.contestant.id]?.push(await one.contestant.sample(one.count));
    }
  }
  return results;
}
