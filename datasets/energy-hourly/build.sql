-- One row per meter and hour. Views: samples, points; tables given by the builder: asked(begins, ends), pseudonyms(equipment, pseudonym).
-- The growth of a counter between two samples belongs to the hour of the later one; a counter that falls has begun again at zero.
WITH good AS (
    SELECT p.equipment, p.role, s.time, CAST(s.value AS DECIMAL(18, 3)) AS value
    FROM samples s JOIN points p USING (point), asked a
    WHERE p.role IN ('active_energy', 'active_power') AND s.quality = 0 AND s.value IS NOT NULL AND isfinite(s.value)
      AND s.time >= a.begins - INTERVAL 1 HOUR AND s.time < a.ends
),
steps AS (
    SELECT equipment, time, value, lag(value) OVER (PARTITION BY equipment ORDER BY time) AS before FROM good WHERE role = 'active_energy'
),
energy AS (
    SELECT equipment, date_trunc('hour', time) AS hour,
           sum(CASE WHEN before IS NULL THEN 0 WHEN value >= before THEN value - before ELSE value END) AS energy_kwh,
           count(*) AS samples, count(DISTINCT time_bucket(INTERVAL 15 MINUTE, time)) AS quarters
    FROM steps GROUP BY ALL
),
power AS (
    SELECT equipment, date_trunc('hour', time) AS hour, sum(value) AS total, count(*) AS n, max(value) AS power_kw_max
    FROM good WHERE role = 'active_power' GROUP BY ALL
)
SELECT e.hour, n.pseudonym AS meter, e.energy_kwh, p.total / p.n AS power_kw_mean, p.power_kw_max, e.samples, e.quarters / 4 AS coverage
FROM energy e JOIN pseudonyms n USING (equipment) LEFT JOIN power p USING (equipment, hour), asked a
WHERE e.hour >= a.begins AND e.hour < a.ends
ORDER BY meter, hour
