-- One row per machine and ten seconds in which the load of the spindle was seen. Views: samples, points; tables given by the builder: asked, pseudonyms.
-- Several temperatures of one machine (bearing, motor) are one mean: which is which differs from maker to maker.
WITH good AS (
    SELECT p.equipment, p.role, time_bucket(INTERVAL 10 SECOND, s.time) AS time, TRY_CAST(s.value AS DECIMAL(18, 4)) AS value
    FROM samples s JOIN points p USING (point), asked a
    WHERE (p.role = 'spindle_load' AND p.unit = '%' OR p.role = 'temperature' AND p.unit = '°C')
      AND s.quality = 0 AND s.value IS NOT NULL AND s.time >= a.begins AND s.time < a.ends
)
SELECT g.time, n.pseudonym AS machine,
       sum(value) FILTER (role = 'spindle_load') / count(*) FILTER (role = 'spindle_load') AS load,
       max(value) FILTER (role = 'spindle_load') AS load_max,
       sum(value) FILTER (role = 'temperature') / count(*) FILTER (role = 'temperature') AS temperature
FROM good g JOIN pseudonyms n ON n.equipment = g.equipment
GROUP BY g.time, n.pseudonym
HAVING count(*) FILTER (role = 'spindle_load') > 0
ORDER BY machine, g.time
