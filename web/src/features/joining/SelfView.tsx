import { useEffect } from 'react';
import type { CaptureFault } from '../../media/capture';
import { ownPicture } from '../../media/pictures-own';
import { playSpeakerTest } from '../../media/tones';
import type { Page } from '../../state/page';
import { useSay } from '../../text/say-context';
import { Icon } from '../../ui/Icon';
import { TwoRounds } from '../../ui/Mark';
import { PictureView } from '../../ui/PictureView';
import { useLive } from '../../ui/use-live';
import { DeviceMenu } from '../devices/DeviceMenu';
import { FaultPicture } from '../devices/FaultPicture';
import { faultText } from '../devices/fault-text';
import { Level } from '../devices/Level';
import styles from './SelfView.module.css';

/** One's own face with its switches, and what is wrong with a device, said with the cure. */
export function SelfView({ page }: { readonly page: Page }) {
  const say = useSay();
  const { devices, preferences } = page;
  const camera = useLive(devices.camera.track);
  const isOpening = useLive(devices.camera.isOpening);
  const cameraOn = useLive(devices.camera.isOn);
  const cameraFault = useLive(devices.camera.fault);
  const microphoneFault = useLive(devices.microphone.fault);
  const values = useLive(preferences.values);

  useEffect(() => {
    const { cameraOn: wantsCamera, microphoneOn } = preferences.values.value;
    devices.camera.setOn(wantsCamera);
    devices.microphone.setOn(microphoneOn);
  }, [devices, preferences]);

  return (
    <div className={styles['wrap']}>
      <div className={styles['self']} role="group" aria-label={say('join.selfView')}>
        {camera && <PictureView picture={ownPicture(camera)} isMirrored={values.mirrorsSelf} />}
        {!camera && (
          <div className={styles['blank']}>
            {cameraOn && isOpening ? <TwoRounds motion="meets" size={34} /> : <Icon name="cameraOff" size={34} />}
            <p>{say(cameraOn && isOpening ? 'join.cameraOpening' : 'join.cameraOff')}</p>
          </div>
        )}
        <div className={styles['controls']}>
          <MicrophoneControl page={page} />
          <CameraControl page={page} />
          <BlurControl page={page} />
          <span>
            <button type="button" aria-label={say('join.testSpeaker')} title={say('join.testSpeaker')} onClick={playSpeakerTest}>
              <Icon name="speaker" />
            </button>
          </span>
        </div>
      </div>
      {cameraFault && <Fault kind="camera" fault={cameraFault} />}
      {microphoneFault && (cameraFault !== 'insecure' || microphoneFault !== 'insecure') && <Fault kind="microphone" fault={microphoneFault} />}
    </div>
  );
}

function Fault({ kind, fault }: { readonly kind: 'camera' | 'microphone'; readonly fault: CaptureFault }) {
  const say = useSay();
  return (
    <p className={styles['fault']} role="status">
      <FaultPicture fault={fault} />
      <span>{say(faultText(kind, fault))}</span>
    </p>
  );
}

function MicrophoneControl({ page }: { readonly page: Page }) {
  const say = useSay();
  const { microphone } = page.devices;
  const isOn = useLive(microphone.isOn);
  const track = useLive(microphone.track);
  const label = say(isOn ? 'device.turnOffMicrophone' : 'device.turnOnMicrophone');
  return (
    <span data-off={!isOn || undefined}>
      <button
        type="button"
        aria-label={label}
        title={label}
        onClick={() => {
          page.preferences.set({ microphoneOn: !isOn });
          microphone.setOn(!isOn);
        }}
      >
        <Icon name={isOn ? 'microphone' : 'microphoneOff'} />
        {isOn && <Level track={track} />}
      </button>
      <DeviceMenu kind="sound" devices={page.devices} preferences={page.preferences} />
    </span>
  );
}

function BlurControl({ page }: { readonly page: Page }) {
  const say = useSay();
  const { blur } = useLive(page.preferences.values);
  const label = say(blur ? 'device.blurOff' : 'device.blurOn');
  return (
    <span data-on={blur || undefined}>
      <button type="button" aria-label={label} title={label} onClick={() => page.preferences.set({ blur: !blur })}>
        <Icon name="blur" />
      </button>
    </span>
  );
}

function CameraControl({ page }: { readonly page: Page }) {
  const say = useSay();
  const { camera } = page.devices;
  const isOn = useLive(camera.isOn);
  const label = say(isOn ? 'device.turnOffCamera' : 'device.turnOnCamera');
  return (
    <span data-off={!isOn || undefined}>
      <button
        type="button"
        aria-label={label}
        title={label}
        onClick={() => {
          page.preferences.set({ cameraOn: !isOn });
          camera.setOn(!isOn);
        }}
      >
        <Icon name={isOn ? 'camera' : 'cameraOff'} />
      </button>
      <DeviceMenu kind="camera" devices={page.devices} preferences={page.preferences} />
    </span>
  );
}
