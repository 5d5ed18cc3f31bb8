import { useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import type { MeetingModel } from '../../state/meeting';
import { placeGrid } from '../../state/arrange';
import { useSay } from '../../text/say-context';
import { Icon } from '../../ui/Icon';
import { useLive } from '../../ui/use-live';
import styles from './FloatingWindow.module.css';
import { Tile } from './Tile';

/** Document Picture-in-Picture (W3C), where the browser has it. */
interface FloatingWindows {
  requestWindow(options: { width: number; height: number }): Promise<Window>;
}

declare global {
  interface Window {
    readonly documentPictureInPicture?: FloatingWindows;
  }
}

const SIZE = { width: 360, height: 300 };
const MOST = 4;

/** Open a window that floats over others; from inside a click only. */
export async function openFloatingWindow(): Promise<Window | null> {
  const opened = await window.documentPictureInPicture?.requestWindow(SIZE).catch(() => null);
  if (!opened) return null;
  const { documentElement: own } = document;
  const root = opened.document.documentElement;
  root.lang = own.lang;
  root.dir = own.dir;
  for (const sheet of document.querySelectorAll<HTMLLinkElement>('link[rel=stylesheet]')) {
    const link = opened.document.createElement('link');
    link.rel = 'stylesheet';
    link.href = sheet.href;
    opened.document.head.append(link);
  }
  return opened;
}

/** The meeting while one works in another program: who speaks or shares, and the three switches. */
export function FloatingWindow({ meeting, place, onClose, onLeave }: { readonly meeting: MeetingModel; readonly place: Window; readonly onClose: () => void; readonly onLeave: () => void }) {
  useEffect(() => {
    place.addEventListener('pagehide', onClose);
    return () => {
      place.removeEventListener('pagehide', onClose);
      place.close();
    };
  }, [place, onClose]);
  return createPortal(<Inside meeting={meeting} place={place} onLeave={onLeave} />, place.document.body);
}

function Inside({ meeting, place, onLeave }: { readonly meeting: MeetingModel; readonly place: Window; readonly onLeave: () => void }) {
  const say = useSay();
  const { tiles, subject } = useLive(meeting.stage.view);
  const microphoneOn = useLive(meeting.self.microphone.value);
  const cameraOn = useLive(meeting.self.camera.value);
  const [size, setSize] = useState({ width: place.innerWidth, height: place.innerHeight });
  useEffect(() => {
    const read = (): void => setSize({ width: place.innerWidth, height: place.innerHeight });
    place.addEventListener('resize', read);
    return () => place.removeEventListener('resize', read);
  }, [place]);
  const large = tiles.filter((tile) => tile.key === subject);
  const others = tiles.filter((tile) => tile.key !== subject && !tile.isSelf);
  const shown = large.length > 0 ? large : others.length > 0 ? others.slice(0, MOST) : tiles.slice(0, 1);
  const places = placeGrid(shown.length, { x: 0, y: 0, width: size.width - 16, height: size.height - 76 });
  return (
    <div className={styles['floating']}>
      <div className={styles['floor']} dir="ltr">
        {shown.map((tile, index) => {
          const at = places[index];
          return at ? <Tile key={tile.key} tile={tile} place={at} isLarge={false} isPinned={false} onPin={null} /> : null;
        })}
      </div>
      <div className={styles['bar']}>
        <button type="button" data-off={!microphoneOn || undefined} aria-label={say(microphoneOn ? 'device.turnOffMicrophone' : 'device.turnOnMicrophone')} onClick={() => meeting.self.microphone.press(!microphoneOn)}>
          <Icon name={microphoneOn ? 'microphone' : 'microphoneOff'} />
        </button>
        <button type="button" data-off={!cameraOn || undefined} aria-label={say(cameraOn ? 'device.turnOffCamera' : 'device.turnOnCamera')} onClick={() => meeting.self.pressCamera(!cameraOn)}>
          <Icon name={cameraOn ? 'camera' : 'cameraOff'} />
        </button>
        <button type="button" className={styles['leave']} aria-label={say('meeting.leave')} onClick={onLeave}>
          <Icon name="leave" />
        </button>
      </div>
    </div>
  );
}
