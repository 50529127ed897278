// The question that is open before an action on alarms.
import type { PlainAction } from '../data/alarmActions';
import type { Alarm } from '../data/alarms.svelte';

export type Asked = {
  kind: 'acknowledge' | 'shelve' | 'comment' | 'assign' | 'link' | 'out-of-service' | PlainAction;
  alarms: readonly Alarm[];
  /** Selected rows that are out of sight and left alone. */
  hidden?: number;
};
