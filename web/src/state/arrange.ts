/** Where tiles go: pure geometry in CSS pixels. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

export const GAP = 8;
/** A camera's own ratio. A tile is never wider: that would cut faces at the chin. */
const WIDEST = 16 / 9;
/** On a landscape stage tiles keep that ratio; on a portrait one the sides are all there is to give. */
const NARROWEST = 16 / 9;
const NARROWEST_PORTRAIT = 3 / 4;
/** Tiles smaller than this are not worth showing: the rest goes to the next page. */
const SMALLEST: Size = { width: 176, height: 99 };
const SMALLEST_PORTRAIT: Size = { width: 140, height: 105 };
const MOST_ON_A_PAGE = 49;

interface Grid extends Size {
  readonly columns: number;
  readonly rows: number;
}

function narrowest(area: Size): number {
  return area.height > area.width ? NARROWEST_PORTRAIT : NARROWEST;
}

/** The tile that fits a cell within the ratios allowed. */
function fit(cell: Size, least: number): Size {
  const ratio = cell.width / cell.height;
  if (ratio > WIDEST) return { width: cell.height * WIDEST, height: cell.height };
  if (ratio < least) return { width: cell.width, height: cell.width / least };
  return cell;
}

/** Choose rows and columns so that `count` tiles are as large as they can be. */
export function bestGrid(count: number, area: Size): Grid {
  let best: Grid = { columns: 1, rows: Math.max(1, count), width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const cell = { width: (area.width - GAP * (columns - 1)) / columns, height: (area.height - GAP * (rows - 1)) / rows };
    if (cell.width <= 0 || cell.height <= 0) continue;
    const tile = fit(cell, narrowest(area));
    if (tile.width * tile.height > best.width * best.height) best = { columns, rows, ...tile };
  }
  return best;
}

/** How many of `count` tiles one page shows. */
export function pageSize(count: number, area: Size): number {
  const least = area.height > area.width ? SMALLEST_PORTRAIT : SMALLEST;
  for (let size = Math.min(count, MOST_ON_A_PAGE); size > 1; size -= 1) {
    const grid = bestGrid(size, area);
    if (grid.width >= least.width && grid.height >= least.height) return size;
  }
  return 1;
}

/** Centre `count` tiles in `area`, the last row too. */
export function placeGrid(count: number, area: Rect): readonly Rect[] {
  const grid = bestGrid(count, area);
  const rows = Math.ceil(count / grid.columns);
  const top = area.y + (area.height - rows * grid.height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / grid.columns);
    const inRow = Math.min(grid.columns, count - row * grid.columns);
    const left = area.x + (area.width - inRow * grid.width - (inRow - 1) * GAP) / 2;
    return round({ x: left + (index % grid.columns) * (grid.width + GAP), y: top + row * (grid.height + GAP), width: grid.width, height: grid.height });
  });
}

export interface FocusPlaces {
  readonly subject: Rect;
  /** The strip of others, as many as fit, in order. */
  readonly strip: readonly Rect[];
}

/** One large picture and a strip beside it, or below it where the stage is portrait. `half` gives both the same room. */
export function placeFocus(count: number, area: Rect, half: boolean): FocusPlaces {
  if (count === 0) return { subject: round(area), strip: [] };
  const isPortrait = area.height > area.width;
  const share = half ? 0.5 : isPortrait ? 0.26 : 0.2;
  // Where nearly everybody has room in the strip, it is narrowed until all have.
  const allFit = ((area.height + GAP) / count - GAP) * WIDEST;
  const width = !half && allFit >= SMALLEST.width ? Math.min(allFit, area.width * share) : area.width * share;
  const room = isPortrait ? Math.max(96, area.height * share) : Math.max(150, width);
  const strip: Rect = isPortrait
    ? { x: area.x, y: area.y + area.height - room, width: area.width, height: room }
    : { x: area.x + area.width - room, y: area.y, width: room, height: area.height };
  const subject = isPortrait ? { ...area, height: area.height - room - GAP } : { ...area, width: area.width - room - GAP };
  if (half) return { subject: round(subject), strip: placeGrid(Math.min(count, pageSize(count, strip)), strip) };
  const tile = isPortrait ? { width: Math.min(room * WIDEST, area.width), height: room } : { width: room, height: room / WIDEST };
  const fits = Math.max(1, Math.floor(((isPortrait ? area.width : area.height) + GAP) / ((isPortrait ? tile.width : tile.height) + GAP)));
  const shown = Math.min(count, fits);
  const used = shown * (isPortrait ? tile.width : tile.height) + (shown - 1) * GAP;
  const start = ((isPortrait ? area.width : area.height) - used) / 2;
  const places = Array.from({ length: shown }, (_, index) =>
    round(
      isPortrait
        ? { x: strip.x + start + index * (tile.width + GAP), y: strip.y, ...tile }
        : { x: strip.x, y: strip.y + start + index * (tile.height + GAP), ...tile },
    ),
  );
  return { subject: round(subject), strip: places };
}

function round(rect: Rect): Rect {
  return { x: Math.round(rect.x), y: Math.round(rect.y), width: Math.floor(rect.width), height: Math.floor(rect.height) };
}
