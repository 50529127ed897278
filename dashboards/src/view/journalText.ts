// What the journal says was done, in words. Steps of alarms stand there as `<step>_alarm`.
import '../i18n/alarms';
import '../i18n/log';
import { coded, t } from '../i18n.svelte';

const OF_ALARM = '_alarm';

/** The words of a code of the journal; the code itself if it has none. */
export function actionText(action: string): string {
  if (!action.endsWith(OF_ALARM)) return coded('action', action);
  return t('log.of_alarm', { step: coded('step', action.slice(0, -OF_ALARM.length)) });
}
