import { useEffect } from 'react';
import { playSpeakerTest } from '../../media/tones';
import type { MeetingModel } from '../../state/meeting';
import type { Page } from '../../state/page';
import type { Values } from '../../state/preferences';
import { LANGUAGES, useLanguage, useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { DialogBox } from '../../ui/DialogBox';
import { Pick } from '../../ui/Pick';
import { Switch } from '../../ui/Switch';
import { useLive } from '../../ui/use-live';
import { useDeviceList } from '../devices/DeviceMenu';
import styles from './Settings.module.css';

/** Everything one can set for oneself; what hosts set is in the people panel. */
export function SettingsDialog({ page, meeting, onClose }: { readonly page: Page; readonly meeting: MeetingModel; readonly onClose: () => void }) {
  const say = useSay();
  const language = useLanguage();
  const values = useLive(page.preferences.values);
  const set = (change: Partial<Values>): void => page.preferences.set(change);
  return (
    <DialogBox heading={say('settings.heading')} closeLabel={say('meeting.close')} onClose={onClose}>
      <section className={styles['group']} aria-label={say('settings.sound')}>
        <h3>{say('settings.sound')}</h3>
        <DevicePicks page={page} meeting={meeting} />
        <Switch label={say('settings.noise')} isOn={values.noiseSuppression} onChange={(noiseSuppression) => {
          set({ noiseSuppression });
          page.devices.microphone.reopen();
        }} />
        <Switch label={say('settings.blur')} isOn={values.blur} onChange={(blur) => set({ blur })} />
        <Switch label={say('settings.saveData')} hint={say('settings.saveDataHint')} isOn={values.savesData} onChange={(savesData) => set({ savesData })} />
        <Switch label={say('settings.sounds')} isOn={values.sounds} onChange={(sounds) => set({ sounds })} />
      </section>
      <section className={styles['group']} aria-label={say('settings.view')}>
        <h3>{say('settings.view')}</h3>
        <Pick label={say('settings.language')} chosen={language} choices={Object.entries(LANGUAGES).map(([id, label]) => ({ id, label }))} onChoose={(chosen) => set({ language: chosen })} />
        <Pick
          label={say('settings.theme')}
          chosen={values.theme}
          choices={[
            { id: 'system', label: say('settings.themeSystem') },
            { id: 'light', label: say('settings.themeLight') },
            { id: 'dark', label: say('settings.themeDark') },
          ]}
          onChoose={(theme) => set({ theme: theme as Values['theme'] })}
        />
        <Switch label={say('settings.mirror')} isOn={values.mirrorsSelf} onChange={(mirrorsSelf) => set({ mirrorsSelf })} />
        <Switch label={say('settings.hideSelf')} isOn={values.hidesSelf} onChange={(hidesSelf) => set({ hidesSelf })} />
      </section>
    </DialogBox>
  );
}

function DevicePicks({ page, meeting }: { readonly page: Page; readonly meeting: MeetingModel }) {
  const say = useSay();
  const values = useLive(page.preferences.values);
  const [list, read] = useDeviceList(null);
  useEffect(read, [read]);
  const { microphone, camera } = page.devices;
  const choices = (found: readonly MediaDeviceInfo[]) => [{ id: '', label: say('device.default') }, ...found.filter((device) => device.deviceId !== 'default').map((device) => ({ id: device.deviceId, label: device.label || device.deviceId.slice(0, 8) }))];
  return (
    <>
      <Pick label={say('device.microphone')} chosen={values.microphone} choices={choices(list.microphones)} onChoose={(id) => {
        page.preferences.set({ microphone: id });
        microphone.choose(id);
      }} />
      <Pick label={say('device.camera')} chosen={values.camera} choices={choices(list.cameras)} onChoose={(id) => {
        page.preferences.set({ camera: id });
        camera.choose(id);
      }} />
      {'setSinkId' in HTMLMediaElement.prototype && (
        <Pick label={say('device.speaker')} chosen={values.speaker} choices={choices(list.speakers)} onChoose={(id) => {
          page.preferences.set({ speaker: id });
          meeting.playThrough(id);
        }} />
      )}
      <Button tone="quiet" size="s" icon="speaker" onClick={playSpeakerTest}>
        {say('join.testSpeaker')}
      </Button>
    </>
  );
}
