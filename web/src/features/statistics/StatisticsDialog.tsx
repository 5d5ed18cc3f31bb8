import { useEffect, useState } from 'react';
import { compare, type Counters, type Figures } from '../../media/figures';
import type { MeetingModel } from '../../state/meeting';
import type { TileModel } from '../../state/stage';
import type { TextKey } from '../../text/keys';
import { poorText } from '../../text/quality';
import { useLanguage, useSay } from '../../text/say-context';
import { Avatar } from '../../ui/Avatar';
import { DialogBox } from '../../ui/DialogBox';
import { useLive } from '../../ui/use-live';
import styles from './Statistics.module.css';

const EVERY_MS = 1_000;

/** What one's own link carries; for hosts also how everybody's connection is, the worst first. */
export function StatisticsDialog({ meeting, onClose }: { readonly meeting: MeetingModel; readonly onClose: () => void }) {
  const say = useSay();
  const isHost = useLive(meeting.isHost);
  return (
    <DialogBox heading={say('meeting.statistics')} closeLabel={say('meeting.close')} onClose={onClose}>
      <Own meeting={meeting} />
      {isHost && <Everyone meeting={meeting} />}
    </DialogBox>
  );
}

/** Undefined while the first second is measured. */
function useFigures(meeting: MeetingModel): Figures | undefined {
  const engine = useLive(meeting.media.engine);
  const [figures, setFigures] = useState<Figures>();
  useEffect(() => {
    if (!engine) return undefined;
    let before: Counters | null = null;
    let isCurrent = true;
    const read = (): void =>
      void engine.counters().then((now) => {
        if (before && isCurrent) setFigures(compare(before, now));
        before = now;
      });
    read();
    const timer = setInterval(read, EVERY_MS);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [engine]);
  return figures;
}

const PATHS: Readonly<Record<string, TextKey>> = { udp: 'statistics.pathUdp', tcp: 'statistics.pathTcp', relay: 'statistics.pathRelay' };

function Own({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const language = useLanguage();
  const figures = useFigures(meeting);
  if (!figures) return <p>{say('statistics.measuring')}</p>;
  const rate = new Intl.NumberFormat(language, { style: 'unit', unit: 'kilobit-per-second', maximumFractionDigits: 0 });
  const time = new Intl.NumberFormat(language, { style: 'unit', unit: 'millisecond' });
  const share = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 });
  const path = PATHS[figures.path];
  const rows: readonly (readonly [TextKey, string])[] = [
    ['statistics.sends', rate.format(figures.sendsBps / 1000)],
    ['statistics.receives', rate.format(figures.receivesBps / 1000)],
    ['statistics.loss', share.format(figures.loss)],
    ...(figures.roundTripMs === null ? [] : [['statistics.roundTrip', time.format(figures.roundTripMs)] as const]),
    ...(path ? [['statistics.path', say(path)] as const] : []),
  ];
  return (
    <section className={styles['group']} aria-label={say('statistics.own')}>
      <h3>{say('statistics.own')}</h3>
      {figures.sendsBps + figures.receivesBps === 0 && <p>{say('statistics.nothing')}</p>}
      <dl className={styles['figures']}>
        {rows.map(([key, value]) => (
          <div key={key}>
            <dt>{say(key)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const WORST_FIRST: readonly TileModel['quality'][] = ['lost', 'poor', 'good', 'excellent'];

function Everyone({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const { tiles } = useLive(meeting.stage.view);
  const people = tiles.filter((tile) => tile.kind === 'person').toSorted((a, b) => rank(a) - rank(b) || a.label.localeCompare(b.label));
  return (
    <section className={styles['group']} aria-label={say('statistics.everyone')}>
      <h3>{say('statistics.everyone')}</h3>
      <ul className={styles['people']}>
        {people.map((person) => (
          <li key={person.key}>
            <Avatar id={person.participantId} name={person.label} size={28} />
            <span className={styles['name']}>
              <span dir="auto">{person.label}</span>
            </span>
            <span className={styles['word']} data-quality={person.quality}>
              {say(qualityText(person))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function rank({ quality, status }: TileModel): number {
  return status === 'reconnecting' ? -1 : WORST_FIRST.indexOf(quality);
}

function qualityText({ quality, cause, status }: TileModel): TextKey {
  if (status === 'reconnecting') return 'tile.reconnecting';
  if (quality === 'poor') return poorText(cause);
  return quality === 'lost' ? 'statistics.lost' : quality === 'good' ? 'statistics.good' : 'statistics.excellent';
}
