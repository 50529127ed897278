insert into formality as old (
  code, valid_from, valid_to, name_vi, name_en, field, level, announced_on, effective_on,
  published_on, complete_parts, eligible_full, online_level, has_fee, npsp_linked,
  requires_paper_result, audience, limit_value, limit_unit, sector, source, mark)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
        'published')
on conflict (code, valid_from) do update set
  valid_to = excluded.valid_to,
  name_vi = excluded.name_vi,
  name_en = excluded.name_en,
  field = excluded.field,
  level = excluded.level,
  announced_on = excluded.announced_on,
  effective_on = excluded.effective_on,
  published_on = excluded.published_on,
  complete_parts = excluded.complete_parts,
  eligible_full = excluded.eligible_full,
  online_level = excluded.online_level,
  has_fee = excluded.has_fee,
  npsp_linked = excluded.npsp_linked,
  requires_paper_result = excluded.requires_paper_result,
  audience = excluded.audience,
  limit_value = excluded.limit_value,
  limit_unit = excluded.limit_unit,
  sector = excluded.sector,
  source = excluded.source,
  mark = excluded.mark
where (old.valid_to, old.name_vi, old.name_en, old.field, old.level, old.announced_on,
       old.effective_on, old.published_on, old.complete_parts, old.eligible_full, old.online_level,
       old.has_fee, old.npsp_linked, old.requires_paper_result, old.audience, old.limit_value,
       old.limit_unit, old.sector)
  is distinct from
      (excluded.valid_to, excluded.name_vi, excluded.name_en, excluded.field, excluded.level,
       excluded.announced_on, excluded.effective_on, excluded.published_on,
       excluded.complete_parts, excluded.eligible_full, excluded.online_level, excluded.has_fee,
       excluded.npsp_linked, excluded.requires_paper_result, excluded.audience,
       excluded.limit_value, excluded.limit_unit, excluded.sector)
returning old.xmax = 0
