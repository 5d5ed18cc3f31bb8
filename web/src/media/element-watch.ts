/**
 * Tells LiveKit how large and whether visible one element is, so that it asks for the fitting layer.
 *
 * Ours and not the SDK's own, because the SDK's blanks the element when a track is muted or goes, and a tile keeps its
 * last frame until it has something better to show.
 */
export class ElementWatch {
  visible = true;
  pictureInPicture = false;
  visibilityChangedAt: number | undefined = undefined;
  handleResize?: () => void;
  handleVisibilityChanged?: () => void;
  readonly #resize = new ResizeObserver(() => this.handleResize?.());
  readonly #intersection: IntersectionObserver;

  constructor(readonly element: HTMLVideoElement) {
    const page = element.ownerDocument.defaultView;
    // A floating window is a document of its own: it is visible while the page itself may be covered.
    this.pictureInPicture = page !== null && page !== window;
    this.#intersection = new IntersectionObserver(([entry]) => {
      if (!entry || entry.isIntersecting === this.visible) return;
      this.visible = entry.isIntersecting;
      this.visibilityChangedAt = Date.now();
      this.handleVisibilityChanged?.();
    });
  }

  width(): number {
    return this.element.clientWidth;
  }

  height(): number {
    return this.element.clientHeight;
  }

  observe(): void {
    this.#resize.observe(this.element);
    this.#intersection.observe(this.element);
  }

  stopObserving(): void {
    this.#resize.disconnect();
    this.#intersection.disconnect();
  }
}
