import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { pageSize, placeFocus, placeGrid, type Rect, type Size } from '../../state/arrange';
import type { MeetingModel } from '../../state/meeting';
import type { TileModel } from '../../state/stage';
import { useSay } from '../../text/say-context';
import { IconButton } from '../../ui/Button';
import { useLive } from '../../ui/use-live';
import { Alone } from './Alone';
import styles from './StageView.module.css';
import { Tile } from './Tile';

/** More tiles than this slide, but do not grow or shrink on the way. */
const CROWD = 12;

interface Placed {
  readonly tile: TileModel;
  readonly place: Rect;
  readonly isLarge: boolean;
}

/** Everyone's pictures, in the arrangement that keeps them largest. */
export function StageView({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const { tiles, subject, isHalf } = useLive(meeting.stage.view);
  const pinned = useLive(meeting.stage.pinned);
  const place = useRef<HTMLDivElement>(null);
  const size = useSize(place);
  const [wantedPage, setPage] = useState(0);
  const pin = useCallback((key: string | null) => meeting.stage.pinned.set(key), [meeting]);

  const { placed, page, pages, shown } = useMemo(() => arrange(tiles, subject, isHalf, size, wantedPage), [tiles, subject, isHalf, size, wantedPage]);
  useEffect(() => meeting.stage.visible.set(shown), [meeting, shown]);
  const isAlone = tiles.length === 1 && tiles[0]?.isSelf === true;

  return (
    <section className={styles['stage']} aria-label={say('meeting.stage')} data-paged={pages > 1 || undefined}>
      <div className={styles['floor']} ref={place} dir="ltr" data-crowded={placed.length > CROWD || undefined}>
        {size.width > 0 && placed.map(({ tile, place: rect, isLarge }) => <Tile key={tile.key} tile={tile} place={rect} isLarge={isLarge} isPinned={pinned === tile.key} onPin={pin} />)}
      </div>
      {isAlone && <Alone meetingId={meeting.id} />}
      {pages > 1 && (
        <nav className={styles['pages']} aria-label={say('meeting.page', { page: page + 1, pages })}>
          <IconButton icon="left" aria-label={say('meeting.previousPage')} disabled={page === 0} onClick={() => setPage(page - 1)} />
          <span aria-hidden="true">
            {page + 1} / {pages}
          </span>
          <IconButton icon="right" aria-label={say('meeting.nextPage')} disabled={page === pages - 1} onClick={() => setPage(page + 1)} />
        </nav>
      )}
    </section>
  );
}

function arrange(tiles: readonly TileModel[], subject: string | null, isHalf: boolean, size: Size, wantedPage: number): { placed: readonly Placed[]; page: number; pages: number; shown: number } {
  const area: Rect = { x: 0, y: 0, ...size };
  const large = tiles.find((tile) => tile.key === subject);
  if (large) {
    const others = tiles.filter((tile) => tile !== large);
    const places = placeFocus(others.length, area, isHalf);
    const perPage = Math.max(1, places.strip.length);
    const { page, pages, of } = turn(others, perPage, wantedPage);
    const strip = of.map((tile, index): Placed => ({ tile, place: places.strip[index] ?? area, isLarge: false }));
    return { placed: [{ tile: large, place: places.subject, isLarge: true }, ...strip], page, pages, shown: perPage };
  }
  const perPage = pageSize(tiles.length, area);
  const { page, pages, of } = turn(tiles, perPage, wantedPage);
  const places = placeGrid(of.length, area);
  return { placed: of.map((tile, index): Placed => ({ tile, place: places[index] ?? area, isLarge: false })), page, pages, shown: perPage };
}

function turn(tiles: readonly TileModel[], perPage: number, wanted: number): { page: number; pages: number; of: readonly TileModel[] } {
  const pages = Math.max(1, Math.ceil(tiles.length / perPage));
  const page = Math.min(wanted, pages - 1);
  return { page, pages, of: tiles.slice(page * perPage, (page + 1) * perPage) };
}

function useSize(place: React.RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const read = (): void => setSize((before) => (before.width === element.clientWidth && before.height === element.clientHeight ? before : { width: element.clientWidth, height: element.clientHeight }));
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    return () => observer.disconnect();
  }, [place]);
  return size;
}
