import type { ReactNode } from 'react';
import { Button, Menu, MenuItem, MenuTrigger, Popover, Separator, type PopoverProps } from 'react-aria-components';
import { Icon, type IconName } from './Icon';
import styles from './Menu.module.css';

export interface Action {
  readonly id: string;
  readonly label: string;
  readonly icon?: IconName;
  readonly tone?: 'plain' | 'stop';
  readonly hint?: string;
  /** A line above sets this action apart. */
  readonly startsGroup?: boolean;
  run(): void;
}

export interface ActionMenuProps {
  readonly label: string;
  readonly actions: readonly Action[];
  readonly className?: string | undefined;
  readonly placement?: PopoverProps['placement'];
  readonly children?: ReactNode;
  readonly title?: string;
}

/** A button that opens a list of things to do. */
export function ActionMenu({ label, actions, className, placement = 'top', children }: ActionMenuProps) {
  return (
    <MenuTrigger>
      <Button className={className ?? ''} aria-label={label}>
        {children ?? <Icon name="more" />}
      </Button>
      <Popover placement={placement} className={styles['popover'] ?? ''} offset={10}>
        <Menu className={styles['menu'] ?? ''} onAction={(key) => actions.find((action) => action.id === key)?.run()}>
          {actions.flatMap((action) => [
            ...(action.startsGroup ? [<Separator key={`${action.id}-line`} className={styles['line'] ?? ''} />] : []),
            <MenuItem key={action.id} id={action.id} textValue={action.label} className={styles['item'] ?? ''} data-tone={action.tone}>
              {action.icon && <Icon name={action.icon} size={18} />}
              <span>{action.label}</span>
              {action.hint && (
                <kbd className={styles['hint']} aria-hidden="true">
                  {action.hint}
                </kbd>
              )}
            </MenuItem>,
          ])}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
