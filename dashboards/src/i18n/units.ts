// Quantities and units of measure.
import { addWords } from '../words';

export const vi = {
  'quantity.flow': 'Lưu lượng',
  'quantity.speed': 'Tốc độ',
  'quantity.occupancy': 'Độ chiếm dụng',
  'quantity.occupancy_short': 'Chiếm',
  'quantity.queue': 'Hàng chờ',
  'quantity.motorcycle': 'Xe máy',
  'quantity.count': 'Số xe',
  'quantity.headway': 'Giãn cách thời gian',
  'quantity.pcu': 'Lưu lượng quy đổi',

  'unit.veh_h': 'xe/giờ',
  'unit.kmh': 'km/h',
  'unit.pct': '%',
  'unit.m': 'm',
  'unit.s': 'giây',
  'unit.ms': 'ms',
  'unit.per_s': 'tin/giây',
  'unit.min': 'phút',
  'unit.veh': 'xe',
  'unit.pcu_h': 'xcqđ/giờ',
} as const;

export const en: Record<keyof typeof vi, string> = {
  'quantity.flow': 'Flow',
  'quantity.speed': 'Speed',
  'quantity.occupancy': 'Occupancy',
  'quantity.occupancy_short': 'Occ.',
  'quantity.queue': 'Queue',
  'quantity.motorcycle': 'Motorcycles',
  'quantity.count': 'Vehicles',
  'quantity.headway': 'Headway',
  'quantity.pcu': 'Flow in car units',

  'unit.veh_h': 'veh/h',
  'unit.kmh': 'km/h',
  'unit.pct': '%',
  'unit.m': 'm',
  'unit.s': 's',
  'unit.ms': 'ms',
  'unit.per_s': 'msg/s',
  'unit.min': 'min',
  'unit.veh': 'veh',
  'unit.pcu_h': 'PCU/h',
};

addWords({ vi, en });
