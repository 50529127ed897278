// Quantities and units of measure.

export const vi = {
  'quantity.flow': 'Lưu lượng',
  'quantity.speed': 'Tốc độ',
  'quantity.occupancy': 'Độ chiếm dụng',
  'quantity.occupancy_short': 'Chiếm',
  'quantity.queue': 'Hàng chờ',
  'quantity.motorcycle': 'Xe máy',

  'unit.veh_h': 'xe/giờ',
  'unit.kmh': 'km/h',
  'unit.pct': '%',
  'unit.m': 'm',
  'unit.s': 'giây',
  'unit.ms': 'ms',
  'unit.per_s': 'tin/giây',
} as const;

export const en: Record<keyof typeof vi, string> = {
  'quantity.flow': 'Flow',
  'quantity.speed': 'Speed',
  'quantity.occupancy': 'Occupancy',
  'quantity.occupancy_short': 'Occ.',
  'quantity.queue': 'Queue',
  'quantity.motorcycle': 'Motorcycles',

  'unit.veh_h': 'veh/h',
  'unit.kmh': 'km/h',
  'unit.pct': '%',
  'unit.m': 'm',
  'unit.s': 's',
  'unit.ms': 'ms',
  'unit.per_s': 'msg/s',
};
