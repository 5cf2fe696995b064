// @ts-check
/** @typedef {import("./order.js").Order} Order */

/** Clips dragged into their places: by mouse, pen or finger, beside the keys and buttons that do the same. */
export class Dragging {
  /** @param {HTMLElement} places where the order is @param {() => Order} order @param {() => void} changed */
  constructor(places, order, changed) {
    this.places = places;
    this.order = order;
    this.changed = changed;
    /** @type {HTMLElement | null} */
    this.mark = null;
  }

  /** Makes a handle of a clip, from 1. @param {HTMLElement} handle @param {number} column */
  handle(handle, column) {
    handle.classList.add("handle");
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      const move = (/** @type {PointerEvent} */ now) => this.show(this.at(now));
      const end = (/** @type {PointerEvent} */ now) => {
        handle.removeEventListener("pointermove", move);
        handle.removeEventListener("pointerup", end);
        handle.removeEventListener("pointercancel", end);
        this.show(null);
        const to = now.type === "pointerup" ? this.at(now) : null;
        if (to && this.order().put(column, to.at, to.how)) this.changed();
      };
      handle.addEventListener("pointermove", move);
      handle.addEventListener("pointerup", end);
      handle.addEventListener("pointercancel", end);
    });
  }

  /**
   * Where that is in the order: before, in or after a tier; `null` beside it.
   * @param {PointerEvent} event
   * @returns {{at: number, how: "new" | "into"} | null}
   */
  at(event) {
    const box = this.places.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) return null;
    const tiers = [...this.places.children].filter((e) => e instanceof HTMLElement && e.dataset["tier"] !== undefined);
    for (const [at, tier] of tiers.entries()) {
      const { left, width } = tier.getBoundingClientRect();
      const share = (event.clientX - left) / width;
      if (share < 0.25) return { at, how: "new" };
      if (share <= 0.75) return { at, how: "into" };
    }
    return { at: tiers.length, how: "new" };
  }

  /** @param {{at: number, how: string} | null} to */
  show(to) {
    this.mark?.classList.remove("into", "before");
    this.places.classList.toggle("over", to !== null);
    this.mark = null;
    const tier = to && this.places.children[to.at];
    if (!to || !(tier instanceof HTMLElement)) return;
    this.mark = tier;
    tier.classList.add(to.how === "into" ? "into" : "before");
  }

  /** Brings the places up to date. */
  draw() {
    const tiers = this.order().tiers();
    const told = JSON.stringify(tiers);
    if (this.places.dataset["tiers"] === told) return;
    this.places.dataset["tiers"] = told;
    this.places.replaceChildren(...tiers.map((tier, at) => {
      const place = document.createElement("li");
      place.dataset["tier"] = String(at);
      place.append(...tier.flatMap((column, i) => {
        const clip = document.createElement("span");
        clip.textContent = `Clip ${column}`;
        this.handle(clip, column);
        return i === 0 ? [clip] : ["=", clip];
      }));
      return place;
    }));
    if (tiers.length === 0) {
      this.places.append(Object.assign(document.createElement("li"), { textContent: "Drag a clip's name here, or choose by number" }));
    }
  }
}
