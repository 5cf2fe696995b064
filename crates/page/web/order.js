// @ts-check
/** An order that is being made, best first, one choice after the other. */
export class Order {
  /** @param {number} columns how many there are */
  constructor(columns) {
    this.columns = columns;
    /** @type {number[][]} Columns from 1; those of one tier are equally good. */
    this.made = [];
    /** @type {number[][][]} As it was before each choice. */
    this.before = [];
    /** Whether the next choice is as good as the last. */
    this.tieNext = false;
  }

  /** @param {number} column from 1 @returns {boolean} whether it changed anything */
  choose(column) {
    if (column < 1 || column > this.columns || this.placeOf(column) !== null) return false;
    return this.put(column, this.made.length, this.tieNext && this.made.length > 0 ? "with last" : "new");
  }

  /**
   * Puts a column, wherever it is, before the tier at `at` (from 0; beyond the last: after it), or into that tier.
   * @param {number} column @param {number} at @param {"new" | "into" | "with last"} how
   * @returns {boolean} whether it changed anything
   */
  put(column, at, how) {
    const was = this.tiers();
    /** @type {number[][]} */
    const tiers = was.map((tier) => tier.filter((c) => c !== column));
    if (how === "into") tiers[at]?.push(column);
    else if (how === "with last") tiers.at(-1)?.push(column);
    else tiers.splice(at, 0, [column]);
    const made = tiers.filter((tier) => tier.length > 0);
    this.tieNext = false;
    if (JSON.stringify(made) === JSON.stringify(was)) return false;
    this.before.push(was);
    this.made = made;
    return true;
  }

  toggleTie() {
    this.tieNext = !this.tieNext && this.made.length > 0;
  }

  undo() {
    if (this.tieNext) this.tieNext = false;
    else this.made = this.before.pop() ?? [];
  }

  /** @returns {number[][]} */
  tiers() {
    return this.made.map((tier) => [...tier]);
  }

  get complete() {
    return this.made.flat().length === this.columns;
  }

  /** @param {number} column @returns {number | null} its place, from 1 */
  placeOf(column) {
    const place = this.made.findIndex((tier) => tier.includes(column));
    return place < 0 ? null : place + 1;
  }

  toString() {
    return this.made.map((tier) => tier.join(" = ")).join(" > ");
  }
}
