import { useMemo } from 'react';
import { mayShareScreen } from '../../media/capture';
import { derive } from '../../live';
import type { MeetingModel } from '../../state/meeting';
import type { Page } from '../../state/page';
import { useSay } from '../../text/say-context';
import { Icon, type IconName } from '../../ui/Icon';
import { useLive } from '../../ui/use-live';
import { DeviceMenu } from '../devices/DeviceMenu';
import styles from './Bar.module.css';
import { LeaveButton } from './LeaveButton';
import { MoreMenu, type MoreActions } from './MoreMenu';
import { ReactButton } from './ReactButton';

export interface BarProps {
  readonly page: Page;
  readonly meeting: MeetingModel;
  readonly onLeave: () => void;
  readonly more: MoreActions;
}

/** Everything one does in a meeting, in the order people know. */
export function Bar({ page, meeting, onLeave, more }: BarProps) {
  const say = useSay();
  return (
    <footer>
      <div className={styles['bar']} role="toolbar" aria-label={say('meeting.controls')} id="call-controls" tabIndex={-1}>
        <span className={styles['pair']}>
          <MicrophoneButton meeting={meeting} />
          <DeviceMenu kind="sound" devices={page.devices} preferences={page.preferences} className={styles['arrow']} onSpeaker={(id) => meeting.playThrough(id)} />
        </span>
        <span className={styles['pair']}>
          <CameraButton meeting={meeting} />
          <DeviceMenu kind="camera" devices={page.devices} preferences={page.preferences} className={styles['arrow']} />
        </span>
        {mayShareScreen() && <ShareButton meeting={meeting} />}
        <span className={styles['gap']} />
        <ReactButton meeting={meeting} className={styles['button']} />
        <HandButton meeting={meeting} />
        <ChatButton meeting={meeting} />
        <PeopleButton meeting={meeting} />
        <MoreMenu page={page} meeting={meeting} className={styles['button']} actions={more} />
        <LeaveButton meeting={meeting} className={styles['leave']} onLeave={onLeave} />
      </div>
    </footer>
  );
}

interface BarButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly isOff?: boolean;
  readonly isOn?: boolean;
  readonly isExpanded?: boolean;
  readonly isWide?: boolean;
  /** More than the name says, read after it and shown on hover. */
  readonly hint?: string | null;
  /** Numbers are drawn by CSS: the button's name stays its name. */
  readonly count?: string;
  readonly badge?: string;
  readonly onPress: () => void;
}

function BarButton({ icon, label, isOff = false, isOn = false, isExpanded, isWide = false, hint = null, count, badge, onPress }: BarButtonProps) {
  return (
    <button
      type="button"
      className={styles['button']}
      aria-label={label}
      title={hint ?? label}
      aria-expanded={isExpanded}
      data-off={isOff || undefined}
      data-on={isOn || isExpanded || undefined}
      data-wide={isWide || undefined}
      data-count={count}
      data-badge={badge || undefined}
      onClick={onPress}
    >
      <Icon name={icon} size={21} />
    </button>
  );
}

function MicrophoneButton({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const { microphone } = meeting.self;
  const isOn = useLive(microphone.value);
  return <BarButton icon={isOn ? 'microphone' : 'microphoneOff'} label={say(isOn ? 'device.turnOffMicrophone' : 'device.turnOnMicrophone')} isOff={!isOn} onPress={() => microphone.press(!microphone.value.value)} />;
}

function CameraButton({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const { self } = meeting;
  const isOn = useLive(self.camera.value);
  return <BarButton icon={isOn ? 'camera' : 'cameraOff'} label={say(isOn ? 'device.turnOffCamera' : 'device.turnOnCamera')} isOff={!isOn} onPress={() => self.pressCamera(!self.camera.value.value)} />;
}

function ShareButton({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const { self } = meeting;
  const isSharing = useLive(self.share) !== null;
  return <BarButton icon="screen" label={say(isSharing ? 'meeting.stopShare' : 'meeting.share')} isOn={isSharing} isWide onPress={() => void (self.share.value ? self.stopShare() : self.startShare())} />;
}

function HandButton({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const { hand } = meeting.self;
  const isUp = useLive(hand.value);
  return <BarButton icon="hand" label={say(isUp ? 'meeting.lowerHand' : 'meeting.raiseHand')} isOn={isUp} onPress={() => hand.press(!hand.value.value)} />;
}

function ChatButton({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const unread = useLive(meeting.chat.unread);
  const isOpen = useLive(meeting.panel) === 'chat';
  const hint = unread > 0 ? say('meeting.unread', { count: unread }) : null;
  return <BarButton icon="chat" label={say('meeting.chat')} hint={hint} badge={unread > 99 ? '99+' : String(unread || '')} isExpanded={isOpen} onPress={() => meeting.togglePanel('chat')} />;
}

function PeopleButton({ meeting }: { readonly meeting: MeetingModel }) {
  const say = useSay();
  const present = useMemo(() => derive([meeting.state], ({ participants }) => [...participants.values()].filter((person) => person.status === 'connected' || person.status === 'reconnecting').length), [meeting]);
  const count = useLive(present);
  const waiting = useLive(meeting.hosting.waiting).length;
  const isOpen = useLive(meeting.panel) === 'people';
  const hint = waiting > 0 ? `${say('people.waiting')}: ${waiting}` : say('meeting.inCall', { count });
  return <BarButton icon="people" label={say('meeting.people')} hint={hint} count={String(count)} badge={String(waiting || '')} isExpanded={isOpen} onPress={() => meeting.togglePanel('people')} />;
}
