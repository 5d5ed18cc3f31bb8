import { Button, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover, type PopoverProps } from 'react-aria-components';
import { Icon, type IconName } from './Icon';
import styles from './Menu.module.css';

export interface Choice {
  readonly id: string;
  readonly label: string;
}

export interface ChoiceGroup {
  readonly id: string;
  readonly heading: string;
  readonly choices: readonly Choice[];
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

export interface ChoiceMenuProps {
  readonly label: string;
  readonly groups: readonly ChoiceGroup[];
  readonly className?: string | undefined;
  readonly icon?: IconName;
  readonly placement?: PopoverProps['placement'];
  readonly onOpen?: () => void;
}

/** A menu of choices in groups; one of each group is chosen. */
export function ChoiceMenu({ label, groups, className, icon = 'down', placement = 'top', onOpen }: ChoiceMenuProps) {
  return (
    <MenuTrigger onOpenChange={(isOpen) => isOpen && onOpen?.()}>
      <Button className={className ?? ''} aria-label={label}>
        <Icon name={icon} size={icon === 'down' ? 16 : 20} />
      </Button>
      <Popover placement={placement} className={styles['popover'] ?? ''} offset={10}>
        <Menu className={styles['menu'] ?? ''}>
          {groups.map((group) => (
            <MenuSection
              key={group.id}
              selectionMode="single"
              disallowEmptySelection
              selectedKeys={[`${group.id}:${group.chosen}`]}
              onSelectionChange={(keys) => {
                const [key] = keys === 'all' ? [] : [...keys];
                if (key !== undefined) group.onChoose(String(key).slice(group.id.length + 1));
              }}
            >
              <Header className={styles['heading']}>{group.heading}</Header>
              {group.choices.map((choice) => (
                <MenuItem key={choice.id} id={`${group.id}:${choice.id}`} textValue={choice.label} className={styles['item'] ?? ''}>
                  <span className={styles['tick']}>
                    <Icon name="check" size={16} />
                  </span>
                  <span dir="auto">{choice.label}</span>
                </MenuItem>
              ))}
            </MenuSection>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
