// @ts-check
/** An order that is being made, best first, one choice after the other. */
export class Order {
  /** @param {number} columns how many there are */
  constructor(columns) {
    this.columns = columns;
    /** @type {{column: number, tied: boolean}[]} */
    this.choices = [];
    /** Whether the next choice is as good as the last. */
    this.tieNext = false;
  }

  /** @param {number} column from 1 @returns {boolean} whether it changed anything */
  choose(column) {
    if (column < 1 || column > this.columns || this.choices.some((c) => c.column === column)) return false;
    this.choices.push({ column, tied: this.tieNext && this.choices.length > 0 });
    this.tieNext = false;
    return true;
  }

  toggleTie() {
    this.tieNext = !this.tieNext && this.choices.length > 0;
  }

  undo() {
    if (this.tieNext) this.tieNext = false;
    else this.choices.pop();
  }

  /** @returns {number[][]} */
  tiers() {
    /** @type {number[][]} */
    const tiers = [];
    for (const { column, tied } of this.choices) {
      const last = tiers.at(-1);
      if (tied && last) last.push(column);
      else tiers.push([column]);
    }
    return tiers;
  }

  get complete() {
    return this.choices.length === this.columns;
  }

  /** @param {number} column @returns {number | null} its place, from 1 */
  placeOf(column) {
    const place = this.tiers().findIndex((tier) => tier.includes(column));
    return place < 0 ? null : place + 1;
  }

  toString() {
    return this.tiers().map((tier) => tier.join(" = ")).join(" > ");
  }
}
