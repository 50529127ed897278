// Words of alarms on every page: priorities, states, the line under the header, the sound, what is announced.
import { addWords } from '../words';

export const vi = {
  'priority.1': 'Khẩn cấp',
  'priority.2': 'Cao',
  'priority.3': 'Trung bình',
  'priority.4': 'Thấp',

  'alarm_state.unack': 'Chưa xác nhận',
  'alarm_state.ack': 'Đã xác nhận',
  'alarm_state.rtnun': 'Đã hết, chưa xác nhận',
  'alarm_state.latch': 'Đang chốt, chờ đặt lại',
  'alarm_state.norm': 'Bình thường',
  'alarm_state.shelved': 'Tạm ẩn',
  'alarm_state.suppressed': 'Ẩn theo thiết kế',
  'alarm_state.out_of_service': 'Ngừng theo dõi',

  'strip.label': 'Cảnh báo đang mở',
  'strip.unacknowledged': 'chưa xác nhận',
  'strip.none': 'Không có cảnh báo nào chờ xác nhận',
  'strip.count': '{priority}: {n} cảnh báo chưa xác nhận',
  'strip.waiting': 'Đang chờ danh sách cảnh báo…',
  'strip.open': 'Mở cảnh báo này',
  'strip.flood': 'Cảnh báo dồn dập: {n} cảnh báo mới trong 10 phút',
  'strip.flood_since': 'từ {time}',
  'strip.grouped': 'Xem theo nhóm',

  'sound.silence': 'Tắt chuông 2 phút',
  'sound.silent': 'Đã tắt chuông, còn {left}',
  'sound.end': 'Bật chuông lại',
  'sound.unblock': 'Cho phép chuông kêu',
  'sound.off': 'Chuông đang tắt ở máy này',

  'announce.new': '{n} cảnh báo mới mức {priority}: {name}',

  'alarms.lane': 'làn {n}',

  'detail.zone': 'Vùng {name}',
} as const;

export const en: Record<keyof typeof vi, string> = {
  'priority.1': 'Critical',
  'priority.2': 'High',
  'priority.3': 'Medium',
  'priority.4': 'Low',

  'alarm_state.unack': 'Unacknowledged',
  'alarm_state.ack': 'Acknowledged',
  'alarm_state.rtnun': 'Returned, unacked',
  'alarm_state.latch': 'Latched, needs reset',
  'alarm_state.norm': 'Normal',
  'alarm_state.shelved': 'Shelved',
  'alarm_state.suppressed': 'Suppressed by design',
  'alarm_state.out_of_service': 'Out of service',

  'strip.label': 'Open alarms',
  'strip.unacknowledged': 'unacknowledged',
  'strip.none': 'No alarm waits for acknowledgement',
  'strip.count': '{priority}: {n} unacknowledged alarms',
  'strip.waiting': 'Waiting for the alarms…',
  'strip.open': 'Open this alarm',
  'strip.flood': 'Alarm flood: {n} new alarms in 10 minutes',
  'strip.flood_since': 'since {time}',
  'strip.grouped': 'Show grouped',

  'sound.silence': 'Silence for 2 min',
  'sound.silent': 'Silenced, {left} left',
  'sound.end': 'Sound on again',
  'sound.unblock': 'Allow sound',
  'sound.off': 'Sound is off on this console',

  'announce.new': '{n} new alarms, priority {priority}: {name}',

  'alarms.lane': 'lane {n}',

  'detail.zone': 'Zone {name}',
};

addWords({ vi, en });
