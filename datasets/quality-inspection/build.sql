-- One row per part and characteristic. Views: samples, points; tables given by the builder: asked, pseudonyms, inspection_plan (labels of the workspace).
-- A measured value belongs to the part whose number (role sequence of the gauge) was the newest when it was shown. Units must be those of the plan.
WITH good AS (
    SELECT p.equipment, p.role, p.name, lower(p.unit) AS unit, s.time, s.value
    FROM samples s JOIN points p USING (point), asked a
    WHERE (p.role = 'sequence' OR p.name IN (SELECT characteristic FROM inspection_plan))
      AND s.quality = 0 AND s.value IS NOT NULL AND s.time >= a.begins AND s.time < a.ends
),
parts AS (
    SELECT equipment, time, CAST(value AS BIGINT) AS number FROM good WHERE role = 'sequence'
),
measured AS (
    SELECT m.equipment, m.time, m.name, TRY_CAST(m.value AS DECIMAL(18, 5)) AS value, q.number, i.kind, i.unit,
           TRY_CAST(i.nominal AS DECIMAL(18, 5)) AS nominal, TRY_CAST(i.lower AS DECIMAL(18, 5)) AS lower, TRY_CAST(i.upper AS DECIMAL(18, 5)) AS upper
    FROM good m JOIN inspection_plan i ON i.characteristic = m.name AND lower(i.unit) = m.unit
    ASOF JOIN parts q ON q.equipment = m.equipment AND m.time >= q.time
)
SELECT m.time, n.pseudonym AS gauge, m.name AS characteristic, m.number - min(m.number) OVER (PARTITION BY m.equipment) + 1 AS part,
       m.kind, m.unit, m.nominal, m.lower, m.upper, m.value AS measured,
       coalesce(m.value >= m.lower, true) AND coalesce(m.value <= m.upper, true) AS in_tolerance
FROM measured m JOIN pseudonyms n ON n.equipment = m.equipment
WHERE m.value IS NOT NULL AND (m.lower IS NOT NULL OR m.upper IS NOT NULL)
ORDER BY gauge, characteristic, m.time
