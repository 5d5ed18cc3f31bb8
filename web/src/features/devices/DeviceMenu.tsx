import { useCallback, useEffect, useState } from 'react';
import { listDevices, onDevicesChanged, type DeviceList } from '../../media/capture';
import type { LocalDevices } from '../../state/local-device';
import type { Preferences } from '../../state/preferences';
import type { TextKey } from '../../text/keys';
import { useSay } from '../../text/say-context';
import { ChoiceMenu, type ChoiceGroup } from '../../ui/ChoiceMenu';
import { useLive } from '../../ui/use-live';

const NONE: DeviceList = { microphones: [], cameras: [], speakers: [] };

/** The computer's devices, as they are plugged in and out. */
export function useDeviceList(isOpened: unknown): readonly [DeviceList, () => void] {
  const [list, setList] = useState(NONE);
  const read = useCallback(() => void listDevices().then(setList, () => setList(NONE)), []);
  useEffect(() => {
    read();
    return onDevicesChanged(read);
  }, [read, isOpened]);
  return [list, read];
}

export interface DeviceMenuProps {
  readonly kind: 'sound' | 'camera';
  readonly devices: LocalDevices;
  readonly preferences: Preferences;
  readonly className?: string | undefined;
  readonly onSpeaker?: (deviceId: string) => void;
}

/** Choose microphone and speaker, or the camera; the choice is remembered. */
export function DeviceMenu({ kind, devices, preferences, className, onSpeaker }: DeviceMenuProps) {
  const say = useSay();
  const values = useLive(preferences.values);
  const raw = useLive(kind === 'sound' ? devices.microphone.raw : devices.camera.raw);
  const [list, read] = useDeviceList(raw);
  const group = (id: 'microphone' | 'camera' | 'speaker', found: readonly MediaDeviceInfo[], onChoose: (deviceId: string) => void): ChoiceGroup => {
    const heading = say(`device.${id}` satisfies TextKey);
    const named = found.filter((device) => device.deviceId !== 'default');
    const label = (device: MediaDeviceInfo, index: number): string => device.label || say('device.unnamed', { kind: heading, number: index + 1 });
    return {
      id,
      heading,
      choices: [{ id: '', label: say('device.default') }, ...named.map((device, index) => ({ id: device.deviceId, label: label(device, index) }))],
      chosen: named.some((device) => device.deviceId === values[id]) ? values[id] : '',
      onChoose(deviceId) {
        preferences.set({ [id]: deviceId });
        onChoose(deviceId);
      },
    };
  };
  const groups =
    kind === 'camera'
      ? [group('camera', list.cameras, (id) => devices.camera.choose(id))]
      : [
          group('microphone', list.microphones, (id) => devices.microphone.choose(id)),
          // Only some browsers let a page choose where sound comes out.
          ...('setSinkId' in HTMLMediaElement.prototype ? [group('speaker', list.speakers, (id) => onSpeaker?.(id))] : []),
        ];
  return <ChoiceMenu label={say(kind === 'camera' ? 'device.chooseCamera' : 'device.chooseMicrophone')} groups={groups} className={className} onOpen={read} />;
}
