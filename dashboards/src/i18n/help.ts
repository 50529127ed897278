// What figures are, how they are computed and where they come from.
import { addWords } from '../words';

export const vi = {
  'help.of': 'Giải thích: {name}',
  'help.formula': 'Cách tính:',
  'help.source': 'Nguồn:',
  'help.desk.source': 'Các bước xử lý phiếu và cuộc gọi mà hệ thống 1022 gửi về; tính lại khi có bước mới, ít nhất mỗi giây.',
  'help.desk.received_total': 'Mọi phiếu đã tiếp nhận từ khi có số liệu, trừ phiếu trùng.',
  'help.desk.handled_total': 'Phiếu đã có kết quả xử lý.',
  'help.desk.in_process': 'Phiếu đã tiếp nhận, chưa có kết quả và không thuộc diện từ chối, trùng hay chuyển nơi khác.',
  'help.desk.overdue': 'Phiếu đang xử lý đã quá hạn của phiếu; nếu phiếu không có hạn thì quá hạn mặc định của hệ thống.',
  'help.desk.received_today': 'Phiếu tạo từ 0 giờ hôm nay theo giờ thành phố.',
  'help.desk.handled_today': 'Phiếu có kết quả từ 0 giờ hôm nay.',
  'help.desk.calls_today': 'Cuộc gọi đến tổng đài từ 0 giờ hôm nay.',
  'help.desk.abandoned_today': 'Cuộc gọi mà người gọi gác máy trước khi có người nghe, từ 0 giờ hôm nay.',
  'help.desk.share': 'Tỷ lệ ở dưới: số này chia cho số đã tiếp nhận, số đang xử lý hoặc số cuộc gọi.',
  'help.sources': 'Mỗi dòng là một loại nguồn. Bất thường là số nguồn đang cảnh báo, lỗi, mất liên lạc hoặc chưa có tin.',
  'help.sources.formula': 'Trễ: lớn nhất từ lúc đo đến lúc máy chủ nhận. Thiếu: số thứ tự chưa nhận được. Trùng: số liệu nhận lại, không tính thêm. Từ chối: tin sai quy cách, xem ở trang Dữ liệu.',
  'help.sources.source': 'Bộ đếm của chính máy chủ, cập nhật hai lần mỗi giây.',
  'help.trend': 'Lưu lượng: số xe mỗi giờ, cộng mọi làn. Tốc độ: trung bình theo số xe. Độ chiếm dụng: phần thời gian có xe trên vùng dò, trung bình các làn.',
  'help.trend.formula': 'Lưu lượng = số xe × 3.600 ÷ số giây của khoảng đo.',
  'help.trend.source': 'Khoảng đo của thiết bị; khoảng dài hơn được gộp từ số liệu gốc.',
} as const;

export const en: Record<keyof typeof vi, string> = {
  'help.of': 'What is this: {name}',
  'help.formula': 'Computed as:',
  'help.source': 'Source:',
  'help.desk.source': 'Steps of tickets and calls that the service desk publishes; renewed with each step, at least every second.',
  'help.desk.received_total': 'Every ticket received since the first data, without duplicates.',
  'help.desk.handled_total': 'Tickets with a result.',
  'help.desk.in_process': 'Tickets received without a result that were neither rejected nor duplicates nor transferred.',
  'help.desk.overdue': 'Tickets in process after their due time; without one, after the default of the configuration.',
  'help.desk.received_today': 'Tickets created since midnight of the city.',
  'help.desk.handled_today': 'Tickets with a result since midnight.',
  'help.desk.calls_today': 'Calls to the switchboard since midnight.',
  'help.desk.abandoned_today': 'Calls that ended before anybody answered, since midnight.',
  'help.desk.share': 'The share below: this figure by those received, in process, or called.',
  'help.sources': 'Each line is a kind of source. Exceptions are sources that warn, fail, are lost or never spoke.',
  'help.sources.formula': 'Lag: the largest from measurement to arrival. Missing: numbers that did not come. Double: came again, not counted twice. Refused: against the contract, see data health.',
  'help.sources.source': 'The hub’s own counters, renewed twice a second.',
  'help.trend': 'Flow: vehicles per hour over all lanes. Speed: mean weighted by vehicles. Occupancy: share of time that a detector is occupied, mean over lanes.',
  'help.trend.formula': 'Flow = vehicles × 3,600 ÷ seconds of the interval.',
  'help.trend.source': 'Intervals of the device; longer steps are sums of them.',
};

addWords({ vi, en });
