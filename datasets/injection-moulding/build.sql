-- One row per cycle. Views: samples, points; tables given by the builder: asked, pseudonyms, inspection (labels of the workspace).
-- A cycle ends when its counter (JobCycleCounter, point cycle_count) changes; what falls begins a new job. Parameters shown up to two seconds
-- after the end belong to it (OPC 40083, 19: they are made known after the cycle is finished). Durations of OPC UA are milliseconds.
-- The first value of a counter ends nothing: nobody saw that cycle. An hour more is read before, so that this costs no cycle of the interval.
WITH good AS (
    SELECT p.equipment, CASE WHEN p.role = 'temperature' THEN 'mould_temperature' ELSE p.name END AS name, s.time,
           TRY_CAST(s.value AS DECIMAL(18, 4)) * CASE lower(p.unit) WHEN 'ms' THEN 0.001 WHEN 'mpa' THEN 10 WHEN 'mm3' THEN 0.001 ELSE 1 END AS value
    FROM samples s JOIN points p USING (point), asked a
    WHERE (p.name IN ('last_cycle_time', 'injection_time', 'dosing_time') AND lower(p.unit) IN ('ms', 's')
           OR p.name IN ('cushion_volume', 'plastification_volume') AND lower(p.unit) IN ('cm3', 'cm³', 'mm3')
           OR p.name IN ('specific_pressure_maximum', 'hold_specific_pressure_maximum') AND lower(p.unit) IN ('bar', 'mpa')
           OR p.name = 'cycle_count'
           OR p.role = 'temperature' AND p.name LIKE 'mould_temperature%' AND p.unit = '°C')
      AND s.quality = 0 AND s.value IS NOT NULL
      AND s.time >= a.begins - INTERVAL 1 HOUR AND s.time < a.ends + INTERVAL 2 SECOND
),
counted AS (
    SELECT equipment, time, counter, lag(counter) OVER (PARTITION BY equipment ORDER BY time) AS before
    FROM (SELECT equipment, time, CAST(value AS BIGINT) AS counter FROM good WHERE name = 'cycle_count')
),
cycles AS (
    SELECT equipment, time, time + INTERVAL 2 SECOND AS known_by, counter, before,
           count(*) FILTER (before IS NULL OR counter < before) OVER (PARTITION BY equipment ORDER BY time) AS job
    FROM counted WHERE before IS DISTINCT FROM counter
),
shown AS (
    SELECT c.equipment, c.time,
           arg_max(g.value, g.time) FILTER (g.name = 'last_cycle_time') AS cycle_time,
           arg_max(g.value, g.time) FILTER (g.name = 'injection_time') AS injection_time,
           arg_max(g.value, g.time) FILTER (g.name = 'dosing_time') AS dosing_time,
           arg_max(g.value, g.time) FILTER (g.name = 'cushion_volume') AS cushion_volume,
           arg_max(g.value, g.time) FILTER (g.name = 'plastification_volume') AS plastification_volume,
           arg_max(g.value, g.time) FILTER (g.name = 'specific_pressure_maximum') AS specific_pressure_maximum,
           arg_max(g.value, g.time) FILTER (g.name = 'hold_specific_pressure_maximum') AS hold_specific_pressure_maximum,
           sum(g.value) FILTER (g.name = 'mould_temperature') / count(*) FILTER (g.name = 'mould_temperature') AS mould_temperature
    FROM (SELECT * FROM good WHERE name <> 'cycle_count') g
    ASOF JOIN cycles c ON g.equipment = c.equipment AND g.time <= c.known_by
    GROUP BY c.equipment, c.time
),
judged AS (
    SELECT c.equipment, c.time, arg_max(i.result, i.inspected_at) AS result, arg_max(i.defect, i.inspected_at) AS defect
    FROM inspection i ASOF JOIN cycles c ON i.machine = c.equipment AND i.cycle = c.counter AND i.inspected_at >= c.time
    GROUP BY c.equipment, c.time
),
rows AS (
    SELECT c.time, n.pseudonym AS machine, c.equipment, c.job, c.counter, s.* EXCLUDE (equipment, time), j.result IS NOT NULL AS inspected, j.result, j.defect
    FROM cycles c JOIN pseudonyms n ON n.equipment = c.equipment
    JOIN shown s ON s.equipment = c.equipment AND s.time = c.time
    LEFT JOIN judged j ON j.equipment = c.equipment AND j.time = c.time, asked a
    WHERE c.before IS NOT NULL AND s.cycle_time IS NOT NULL AND c.time >= a.begins AND c.time < a.ends
)
SELECT time, machine, dense_rank() OVER (PARTITION BY machine ORDER BY job) AS job,
       counter - min(counter) OVER (PARTITION BY machine, job) + 1 AS cycle,
       cycle_time, injection_time, dosing_time, cushion_volume, plastification_volume, specific_pressure_maximum,
       hold_specific_pressure_maximum, mould_temperature, inspected, result, defect
FROM rows
ORDER BY machine, time
