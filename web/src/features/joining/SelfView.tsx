import { useEffect, useRef, type ReactNode, type RefObject } from 'react';
import type { CaptureFault } from '../../media/capture';
import { ownPicture } from '../../media/pictures-own';
import { playSpeakerTest } from '../../media/tones';
import type { Page } from '../../state/page';
import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
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
  const cameraButton = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    const { cameraOn: wantsCamera, microphoneOn } = preferences.values.value;
    devices.camera.setOn(wantsCamera);
    devices.microphone.setOn(microphoneOn);
  }, [devices, preferences]);

  const showWithoutBlur = (): void => {
    preferences.set({ blur: false, cameraOn: true });
    devices.camera.setOn(true);
    // The button that was pressed goes.
    cameraButton.current?.focus();
  };

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
          <CameraControl page={page} button={cameraButton} />
          <BlurControl page={page} />
          <span>
            <button type="button" aria-label={say('join.testSpeaker')} title={say('join.testSpeaker')} onClick={playSpeakerTest}>
              <Icon name="speaker" />
            </button>
          </span>
        </div>
      </div>
      {cameraFault && (
        <Fault kind="camera" fault={cameraFault} isOn={cameraOn}>
          {cameraFault === 'effect-failed' && (
            <Button size="s" onClick={showWithoutBlur}>
              {say('device.withoutBlur')}
            </Button>
          )}
        </Fault>
      )}
      {microphoneFault && (cameraFault !== 'insecure' || microphoneFault !== 'insecure') && <Fault kind="microphone" fault={microphoneFault} isOn={false} />}
    </div>
  );
}

interface FaultProps {
  readonly kind: 'camera' | 'microphone';
  readonly fault: CaptureFault;
  readonly isOn: boolean;
  readonly children?: ReactNode;
}

function Fault({ kind, fault, isOn, children }: FaultProps) {
  const say = useSay();
  return (
    <div className={styles['fault']} role="status">
      <FaultPicture fault={fault} />
      <div className={styles['cure']}>
        <span>{say(faultText(kind, fault, isOn))}</span>
        {children}
      </div>
    </div>
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

function CameraControl({ page, button }: { readonly page: Page; readonly button: RefObject<HTMLButtonElement | null> }) {
  const say = useSay();
  const { camera } = page.devices;
  const isOn = useLive(camera.isOn);
  const label = say(isOn ? 'device.turnOffCamera' : 'device.turnOnCamera');
  return (
    <span data-off={!isOn || undefined}>
      <button
        ref={button}
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
