import type { MeetingModel } from '../../state/meeting';
import type { Page } from '../../state/page';
import type { Values } from '../../state/preferences';
import { mayShareScreen } from '../../media/capture';
import { useSay } from '../../text/say-context';
import { ActionMenu, type Action } from '../../ui/ActionMenu';
import { Icon, type IconName } from '../../ui/Icon';
import { useLive } from '../../ui/use-live';

/** What the menu opens beyond itself. */
export interface MoreActions {
  onSettings(): void;
  onShortcuts(): void;
  onStatistics(): void;
  onFullScreen(): void;
  /** Missing where the browser has no floating windows. */
  readonly onFloating: (() => void) | null;
}

const LAYOUTS: readonly { readonly id: Values['layout']; readonly text: 'meeting.layoutGrid' | 'meeting.layoutSpeaker' | 'meeting.layoutSide'; readonly icon: IconName }[] = [
  { id: 'grid', text: 'meeting.layoutGrid', icon: 'grid' },
  { id: 'speaker', text: 'meeting.layoutSpeaker', icon: 'speakerView' },
  { id: 'side', text: 'meeting.layoutSide', icon: 'sideView' },
];

/** Everything that is wanted now and then. */
export function MoreMenu({ page, meeting, className, actions }: { readonly page: Page; readonly meeting: MeetingModel; readonly className: string | undefined; readonly actions: MoreActions }) {
  const say = useSay();
  const { layout } = useLive(page.preferences.values);
  const share = useLive(meeting.self.share);
  const isSharing = share !== null;
  const isNarrow = window.matchMedia('(max-width: 700px)').matches;
  const items: Action[] = [
    ...LAYOUTS.map(
      ({ id, text, icon }): Action => ({
        id,
        label: say(text),
        icon: layout === id ? 'check' : icon,
        run: () => {
          page.preferences.set({ layout: id });
          meeting.stage.pinned.set(null);
        },
      }),
    ),
    ...(isNarrow && mayShareScreen()
      ? [{ id: 'share', label: say(isSharing ? 'meeting.stopShare' : 'meeting.share'), icon: 'screen' as const, run: () => void (isSharing ? meeting.self.stopShare() : meeting.self.startShare()) }]
      : []),
    ...(share
      ? [{ id: 'hint', label: say(share.hint === 'detail' ? 'meeting.smoothMotion' : 'meeting.sharpText'), icon: 'screen' as const, run: () => meeting.self.hintShare(share.hint === 'detail' ? 'motion' : 'detail') }]
      : []),
    // A phone may have no full screen, and a frame may not be allowed it.
    ...(document.fullscreenEnabled
      ? [{ id: 'full', label: say(document.fullscreenElement ? 'meeting.exitFullScreen' : 'meeting.fullScreen'), icon: 'fullScreen' as const, startsGroup: true, run: actions.onFullScreen }]
      : []),
    ...(actions.onFloating ? [{ id: 'floating', label: say('meeting.floating'), icon: 'floating' as const, startsGroup: !document.fullscreenEnabled, run: actions.onFloating }] : []),
    { id: 'settings', label: say('meeting.settings'), icon: 'settings', startsGroup: true, run: actions.onSettings },
    { id: 'statistics', label: say('meeting.statistics'), icon: 'signal', run: actions.onStatistics },
    { id: 'shortcuts', label: say('meeting.shortcuts'), icon: 'keyboard', hint: '?', run: actions.onShortcuts },
  ];
  return (
    <ActionMenu label={say('meeting.more')} actions={items} className={className} placement="top end">
      <Icon name="more" size={21} />
    </ActionMenu>
  );
}
