import { memo, type CSSProperties } from 'react';
import type { Rect } from '../../state/arrange';
import type { TileModel } from '../../state/stage';
import { useSay } from '../../text/say-context';
import { poorText } from '../../text/quality';
import { Avatar } from '../../ui/Avatar';
import { Icon } from '../../ui/Icon';
import { TwoRounds } from '../../ui/Mark';
import { PictureView } from '../../ui/PictureView';
import styles from './Tile.module.css';

export interface TileProps {
  readonly tile: TileModel;
  readonly place: Rect;
  readonly isLarge: boolean;
  readonly isPinned: boolean;
  /** Null where there is no room for choosing. */
  readonly onPin: ((key: string | null) => void) | null;
}

/** One person, or one shared screen. Drawn again only when something about it has changed. */
export const Tile = memo(
  function Tile({ tile, place, isLarge, isPinned, onPin }: TileProps) {
    const say = useSay();
    const isScreen = tile.kind === 'screen';
    const name = tile.isSelf ? say('meeting.you', { name: tile.label }) : tile.label;
    const label = isScreen ? say('tile.screenOf', { name: tile.label }) : name;
    const style: CSSProperties = { width: place.width, height: place.height, transform: `translate(${place.x}px, ${place.y}px)` };
    const isSmall = place.width < 200;
    const facts = isScreen
      ? { 'data-screen-of': tile.participantId }
      : { 'data-participant-id': tile.participantId, 'data-status': tile.status, 'data-audio': tile.audio ? 'on' : 'off', 'data-video': tile.video ? 'on' : 'off' };
    return (
      <article
        className={styles['tile']}
        style={style}
        aria-label={isScreen ? label : tile.label}
        data-kind={tile.kind}
        data-self={tile.isSelf || undefined}
        data-speaking={(tile.isSpeaking && !isScreen) || undefined}
        data-small={isSmall || undefined}
        data-large={isLarge || undefined}
        {...facts}
      >
        {!isScreen && (
          <div className={styles['avatar']}>
            <Avatar id={tile.participantId} name={tile.label} size={Math.round(Math.min(112, place.width * 0.4, place.height * 0.42))} />
          </div>
        )}
        {tile.picture && <PictureView picture={tile.picture} isMirrored={tile.isMirrored} fit={isScreen ? 'contain' : 'cover'} />}
        {tile.status === 'reconnecting' && !isScreen && (
          <div className={styles['veil']}>
            <TwoRounds motion="meets" size={20} />
            <span>{say('tile.reconnecting')}</span>
          </div>
        )}
        {onPin && (
          <button
            type="button"
            className={styles['pin']}
            aria-label={say(isPinned ? 'tile.unpin' : 'tile.pin', { name: label })}
            title={say(isPinned ? 'tile.unpin' : 'tile.pin', { name: label })}
            onClick={() => onPin(isPinned ? null : tile.key)}
          >
            <Icon name="pin" size={17} />
          </button>
        )}
        <div className={styles['plate']}>
          <span className={styles['who']}>
            {isScreen ? <Icon name="screen" size={16} /> : !tile.audio ? <Icon name="microphoneOff" size={16} /> : tile.isSpeaking ? <Bars /> : null}
            {!isScreen && !tile.audio && <span className="hidden-text">{say('tile.microphoneOff')}</span>}
            {tile.isSpeaking && !isScreen && <span className="hidden-text">{say('tile.speaking')}</span>}
            <span className={styles['name']} dir="auto">
              {label}
            </span>
            {(tile.quality === 'poor' || tile.quality === 'lost') && tile.status === 'connected' && !isScreen && (
              <span className={styles['poor']} title={say(poorText(tile.cause))}>
                <Icon name="signal" size={15} />
                <span className="hidden-text">{say(poorText(tile.cause))}</span>
              </span>
            )}
          </span>
          {tile.handPlace !== null && (
            <span className={styles['hand']}>
              <Icon name="hand" size={15} />
              <span aria-hidden="true">{tile.handPlace}</span>
              <span className="hidden-text">{say('tile.hand', { place: tile.handPlace })}</span>
            </span>
          )}
        </div>
      </article>
    );
  },
  (before, after) =>
    before.tile === after.tile &&
    before.isLarge === after.isLarge &&
    before.isPinned === after.isPinned &&
    before.onPin === after.onPin &&
    before.place.x === after.place.x &&
    before.place.y === after.place.y &&
    before.place.width === after.place.width &&
    before.place.height === after.place.height,
);

function Bars() {
  return (
    <span className={styles['bars']} aria-hidden="true">
      <i />
      <i />
      <i />
    </span>
  );
}
