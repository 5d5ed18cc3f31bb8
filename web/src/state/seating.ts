/**
 * The order of tiles. A tile changes place only when its person becomes visible by speaking, never on mute, on quality
 * or because somebody else came (look.md, "Motion").
 */
export class Seating {
  #order: readonly string[] = [];
  readonly #spokeAt = new Map<string, number>();

  get order(): readonly string[] {
    return this.#order;
  }

  /** Take in who is here: newcomers at the end, in the order given; the places of those who left close up. */
  handlePresent(keys: readonly string[]): readonly string[] {
    const present = new Set(keys);
    const stay = this.#order.filter((key) => present.has(key));
    const known = new Set(stay);
    const next = [...stay, ...keys.filter((key) => !known.has(key))];
    if (next.length !== this.#order.length || next.some((key, index) => key !== this.#order[index])) this.#order = next;
    return this.#order;
  }

  /**
   * Bring speakers who are out of sight into sight, each in the place of the visible one who has been silent longest.
   *
   * @param visible how many of the order, from its start, are on show.
   * @param fixed keys that keep their place whatever happens, such as one's own.
   */
  handleSpeakers(speaking: readonly string[], visible: number, now: number, fixed: ReadonlySet<string>): readonly string[] {
    for (const key of speaking) this.#spokeAt.set(key, now);
    const hidden = speaking.filter((key) => this.#order.indexOf(key) >= visible);
    for (const key of hidden) {
      const shown = this.#order.slice(0, visible).filter((other) => !fixed.has(other) && !speaking.includes(other));
      const quietest = shown.toSorted((a, b) => (this.#spokeAt.get(a) ?? 0) - (this.#spokeAt.get(b) ?? 0))[0];
      if (quietest === undefined) break;
      const next = [...this.#order];
      next[this.#order.indexOf(quietest)] = key;
      next[this.#order.indexOf(key)] = quietest;
      this.#order = next;
    }
    return this.#order;
  }
}
