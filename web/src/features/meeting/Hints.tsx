import { useEffect, useState } from 'react';
import { Live } from '../../live';
import { meter } from '../../media/meter';
import type { MeetingModel } from '../../state/meeting';
import type { Page } from '../../state/page';
import type { Seat } from '../../state/seat';
import { poorText } from '../../text/quality';
import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { Icon } from '../../ui/Icon';
import { useLive } from '../../ui/use-live';
import { faultText } from '../devices/fault-text';
import styles from './Hints.module.css';

const ALWAYS = new Live(true);
/** Speech this loud, for this many readings in a row, is somebody talking and not a cough. */
const LOUD = 0.55;
const READINGS = 8;

/** What the person should know now, at the top of the stage; each goes away by itself or with a press. */
export function Hints({ page, seat, meeting }: { readonly page: Page; readonly seat: Seat; readonly meeting: MeetingModel }) {
  const say = useSay();
  const engine = useLive(meeting.media.engine);
  const mayPlaySound = useLive(engine?.mayPlaySound ?? ALWAYS);
  useEffect(() => {
    if (mayPlaySound || !engine) return undefined;
    // Any press will do, not only the one on the button.
    const allow = (): void => void engine.allowSound();
    window.addEventListener('pointerup', allow);
    window.addEventListener('keyup', allow);
    return () => {
      window.removeEventListener('pointerup', allow);
      window.removeEventListener('keyup', allow);
    };
  }, [engine, mayPlaySound]);
  return (
    <div className={styles['hints']}>
      {!mayPlaySound && (
        <Button size="s" icon="speaker" onClick={() => void engine?.allowSound()}>
          {say('meeting.allowSound')}
        </Button>
      )}
      <NoMedia meeting={meeting} />
      <Elsewhere seat={seat} meeting={meeting} />
      <TalkingWhileMuted page={page} meeting={meeting} />
      <DeviceFault page={page} meeting={meeting} kind="camera" />
      <DeviceFault page={page} meeting={meeting} kind="microphone" />
      <WeakConnection page={page} meeting={meeting} />
    </div>
  );
}

/** Nobody is seen or heard, because the program for it could not be loaded; it is tried for further. */
function NoMedia({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  if (!useLive(meeting.media.isWithoutProgram)) return null;
  return (
    <div className={styles['hint']} role="alert">
      <span>{say('meeting.noMedia')}</span>
      <Button size="s" onClick={() => location.reload()}>
        {say('page.reload')}
      </Button>
    </div>
  );
}

/** Here and in another tab or on another device: said once, with the way to be in one place only (JOIN-6). */
function Elsewhere({ seat, meeting }: { readonly seat: Seat; readonly meeting: MeetingModel }) {
  const say = useSay();
  const { connections } = useLive(meeting.me);
  const [others, setOthers] = useState(0);
  const [dismissedAt, setDismissedAt] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    // The number counts connections that are lost and may come back; only an open one is another place.
    const found = connections > 1 ? seat.elsewhere() : Promise.resolve([]);
    void found.then((open) => isCurrent && setOthers(open.length));
    return () => {
      isCurrent = false;
    };
  }, [seat, connections]);
  if (others <= dismissedAt) return null;
  return (
    <div className={styles['hint']} role="status">
      <span>{say('meeting.elsewhere')}</span>
      <Button size="s" onClick={() => void seat.moveHere()}>
        {say('meeting.moveHere')}
      </Button>
      <button type="button" className={styles['close']} aria-label={say('notice.dismiss')} onClick={() => setDismissedAt(others)}>
        <Icon name="close" size={16} />
      </button>
    </div>
  );
}

function TalkingWhileMuted({ page, meeting }: { readonly page: Page; readonly meeting: MeetingModel }) {
  const say = useSay();
  const isOn = useLive(meeting.self.microphone.value);
  const raw = useLive(page.devices.microphone.raw);
  const [isTalking, setTalking] = useState(false);
  useEffect(() => {
    if (isOn || !raw) return undefined;
    let loud = 0;
    let quietTimer: ReturnType<typeof setTimeout> | undefined;
    const end = meter(raw, (level) => {
      loud = level > LOUD ? loud + 1 : Math.max(0, loud - 1);
      if (loud < READINGS) return;
      loud = 0;
      setTalking(true);
      clearTimeout(quietTimer);
      quietTimer = setTimeout(() => setTalking(false), 5_000);
    });
    return () => {
      clearTimeout(quietTimer);
      setTalking(false);
      end();
    };
  }, [isOn, raw]);
  if (!isTalking) return null;
  return (
    <div className={styles['hint']} role="status">
      <Icon name="microphoneOff" size={18} />
      <span>{say('meeting.mutedHint')}</span>
    </div>
  );
}

function DeviceFault({ page, meeting, kind }: { readonly page: Page; readonly meeting: MeetingModel; readonly kind: 'microphone' | 'camera' }) {
  const say = useSay();
  const device = page.devices[kind];
  const fault = useLive(device.fault);
  const isOn = useLive(device.isOn);
  const cameraFault = useLive(page.devices.camera.fault);
  const [isDismissed, setDismissed] = useState(false);
  // The same fault anew is told anew.
  useEffect(() => device.fault.subscribe(() => setDismissed(false)), [device]);
  // What is so for both devices is said once.
  if (!fault || isDismissed || (kind === 'microphone' && fault === 'insecure' && cameraFault === 'insecure')) return null;
  return (
    <div className={styles['hint']} role="status">
      <Icon name={kind === 'camera' ? 'cameraOff' : 'microphoneOff'} size={18} />
      <span>{say(faultText(kind, fault, isOn))}</span>
      {fault === 'effect-failed' && (
        <Button
          size="s"
          onClick={() => {
            page.preferences.set({ blur: false });
            if (!isOn) meeting.self.pressCamera(true);
            // The button that was pressed goes.
            document.querySelector<HTMLElement>('#call-controls')?.focus();
          }}
        >
          {say('device.withoutBlur')}
        </Button>
      )}
      <button type="button" className={styles['close']} aria-label={say('notice.dismiss')} onClick={() => setDismissed(true)}>
        <Icon name="close" size={16} />
      </button>
    </div>
  );
}

/** One's own weak connection, with its cause and what helps. */
function WeakConnection({ page, meeting }: { readonly page: Page; readonly meeting: MeetingModel }) {
  const say = useSay();
  const me = useLive(meeting.me);
  const told = useLive(meeting.qualities).get(me.id);
  const { savesData } = useLive(page.preferences.values);
  const [isDismissed, setDismissed] = useState(false);
  if (isDismissed || told?.quality !== 'poor') return null;
  return (
    <div className={styles['hint']} role="status">
      <Icon name="signal" size={18} />
      <span>{say('meeting.ownPoor', { cause: say(poorText(told.cause)) })}</span>
      {!savesData && (
        <Button size="s" onClick={() => page.preferences.set({ savesData: true })}>
          {say('meeting.saveData')}
        </Button>
      )}
      <button type="button" className={styles['close']} aria-label={say('notice.dismiss')} onClick={() => setDismissed(true)}>
        <Icon name="close" size={16} />
      </button>
    </div>
  );
}
