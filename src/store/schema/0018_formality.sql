-- Which agency handles a formality of the city, where the catalogue tells it.

alter table formality add column unit text;
comment on column formality.unit is 'The one unit that handles it; null where every unit of its level does, and where it is not known.';
