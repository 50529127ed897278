// Words of the replay and of saved views.
import { addWords } from '../words';

export const vi = {
  'replay.title': 'Xem lại 24 giờ qua',
  'replay.begin': 'Xem lại 24 giờ qua',
  'replay.slider': 'Thời điểm xem lại',
  'replay.back': 'Lùi {n} phút',
  'replay.on': 'Tới {n} phút',
  'replay.run': 'Chạy',
  'replay.stop': 'Dừng',
  'replay.past': 'Đang xem quá khứ; 1022 và nguồn dữ liệu là hiện tại',
  'replay.alarms_from': 'Chỉ có cảnh báo thay đổi từ {time}',
  'replay.live': 'Về hiện tại',
  'views.title': 'Góc nhìn đã lưu',
  'views.choose': 'Góc nhìn đã lưu ({n})',
  'views.save': 'Lưu góc nhìn…',
  'views.remove': 'Xóa góc nhìn',
  'views.save_title': 'Lưu góc nhìn này',
  'views.save_submit': 'Lưu',
  'views.name': 'Tên',
  'views.name_missing': 'Cần một cái tên.',
  'views.share': 'Mọi người cùng thấy',
} as const;

export const en: Record<keyof typeof vi, string> = {
  'replay.title': 'Replay of the last 24 hours',
  'replay.begin': 'Replay last 24 h',
  'replay.slider': 'Instant that is shown',
  'replay.back': 'Back {n} min',
  'replay.on': 'Forward {n} min',
  'replay.run': 'Run',
  'replay.stop': 'Stop',
  'replay.past': 'Past; service desk and sources are the present',
  'replay.alarms_from': 'Only alarms that changed since {time}',
  'replay.live': 'Back to live',
  'views.title': 'Saved views',
  'views.choose': 'Saved views ({n})',
  'views.save': 'Save view…',
  'views.remove': 'Remove view',
  'views.save_title': 'Save this view',
  'views.save_submit': 'Save',
  'views.name': 'Name',
  'views.name_missing': 'A name is needed.',
  'views.share': 'Everybody sees it',
};

addWords({ vi, en });
