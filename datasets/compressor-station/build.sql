-- One row per station and minute. Views: samples, points, equipment; tables given by the builder: asked, pseudonyms.
-- A station is the equipment with the flow meter of the header (role flow); its compressors are those whose `feeds` in site.yaml names it.
-- Power is the sum of the compressors' means: empty where one of them was not seen in that minute, since part of a sum is no sum.
WITH good AS (
    SELECT p.point, p.equipment, CASE WHEN p.name = 'dew_point' THEN 'dew_point' ELSE p.role END AS what, time_bucket(INTERVAL 1 MINUTE, s.time) AS time,
           TRY_CAST(s.value AS DECIMAL(18, 6)) * CASE replace(lower(p.unit), '³', '3')
               WHEN 'w' THEN 0.001 WHEN 'mw' THEN 1000 WHEN 'm3/h' THEN 1 / 60 WHEN 'l/s' THEN 0.06 WHEN 'mpa' THEN 10 WHEN 'kpa' THEN 0.01 ELSE 1 END AS value
    FROM samples s JOIN points p USING (point), asked a
    WHERE (p.role = 'active_power' AND lower(p.unit) IN ('w', 'kw', 'mw') OR p.role = 'flow' AND replace(lower(p.unit), '³', '3') IN ('m3/min', 'm3/h', 'l/s')
           OR p.role = 'pressure' AND lower(p.unit) IN ('bar', 'mpa', 'kpa') OR p.name = 'dew_point' AND p.unit = '°C')
      AND s.quality = 0 AND s.value IS NOT NULL AND s.time >= a.begins AND s.time < a.ends
),
minutes AS (
    SELECT point, equipment, what, time, sum(value) / count(*) AS value FROM good GROUP BY ALL
),
stations AS (
    SELECT DISTINCT equipment AS station FROM points WHERE role = 'flow'
),
fed AS (
    SELECT s.station, p.point, count(*) OVER (PARTITION BY s.station) AS known
    FROM stations s JOIN equipment e ON list_contains(e.feeds, s.station) JOIN points p ON p.equipment = e.equipment AND p.role = 'active_power'
),
power AS (
    SELECT f.station, m.time, CASE WHEN count(*) = any_value(f.known) THEN sum(m.value) END AS power, count(*) FILTER (m.value > 1) AS compressors_on
    FROM fed f JOIN minutes m ON m.point = f.point AND m.what = 'active_power' GROUP BY f.station, m.time
),
header AS (
    SELECT m.equipment AS station, m.time,
           sum(value) FILTER (what = 'flow') AS flow,
           sum(value) FILTER (what = 'pressure') / count(*) FILTER (what = 'pressure') AS pressure,
           sum(value) FILTER (what = 'dew_point') / count(*) FILTER (what = 'dew_point') AS dew_point
    FROM minutes m JOIN stations s ON s.station = m.equipment
    GROUP BY m.equipment, m.time HAVING count(*) FILTER (what = 'flow') > 0
)
SELECT h.time, n.pseudonym AS station, p.power, greatest(h.flow, 0) AS flow, h.pressure, h.dew_point,
       CASE WHEN h.dew_point <= -70 THEN 1 WHEN h.dew_point <= -40 THEN 2 WHEN h.dew_point <= -20 THEN 3
            WHEN h.dew_point <= 3 THEN 4 WHEN h.dew_point <= 7 THEN 5 WHEN h.dew_point <= 10 THEN 6 END AS water_class,
       CASE WHEN h.flow >= 0.1 THEN p.power / h.flow END AS specific_power, p.compressors_on
FROM header h JOIN pseudonyms n ON n.equipment = h.station
LEFT JOIN power p ON p.station = h.station AND p.time = h.time
ORDER BY station, h.time
