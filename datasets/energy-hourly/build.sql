-- One row per meter and hour. Views: samples, points; tables given by the builder: asked(begins, ends), pseudonyms(equipment, pseudonym).
-- What a counter grew by between two readings is split over the hours in proportion to time, so an hour more is read on both sides.
-- A fall by no more than 0.1 kWh is no reset, one by more is: counting began again at zero. No meter carries more than 10 000 kW.
-- Energy is counted in whole Wh, time in whole microseconds: the parts of a rise add up to the rise.
WITH good AS (
    SELECT p.point, p.equipment, p.role, s.time, epoch_us(s.time) AS moment,
           TRY_CAST(s.value AS DECIMAL(18, 3)) * CASE lower(p.unit)
               WHEN 'wh' THEN 1 WHEN 'kwh' THEN 1000 WHEN 'mwh' THEN 1000000
               WHEN 'w' THEN 1 WHEN 'kw' THEN 1000 WHEN 'mw' THEN 1000000 END AS value
    FROM samples s JOIN points p USING (point), asked a
    WHERE (p.role = 'active_energy' AND lower(p.unit) IN ('wh', 'kwh', 'mwh') OR p.role = 'active_power' AND lower(p.unit) IN ('w', 'kw', 'mw'))
      AND s.quality = 0 AND TRY_CAST(s.value AS DECIMAL(18, 3)) IS NOT NULL
      AND s.time >= a.begins - INTERVAL 1 HOUR AND s.time <= a.ends + INTERVAL 1 HOUR
),
reading AS (
    SELECT point, equipment, moment, CAST(max(value) AS BIGINT) AS shown
    FROM good WHERE role = 'active_energy' GROUP BY ALL
),
compared AS (
    SELECT *, before IS NULL OR before - shown > 100 OR (shown = 0 AND before > 0) AS restarted
    FROM (
        SELECT *, lag(shown) OVER w AS before, lag(moment) OVER w AS since
        FROM reading WINDOW w AS (PARTITION BY point ORDER BY moment)
    )
),
heaped AS (
    SELECT *, max(shown) OVER (PARTITION BY point, era ORDER BY moment) AS highest
    FROM (SELECT *, count(*) FILTER (restarted) OVER (PARTITION BY point ORDER BY moment) AS era FROM compared)
),
steps AS (
    SELECT equipment, since, moment, CASE WHEN added <= 10000 * (moment - since) // 3600000 THEN greatest(added, 0) ELSE 0 END AS added
    FROM (
        SELECT equipment, since, moment,
               CASE WHEN restarted THEN shown ELSE highest - lag(highest) OVER (PARTITION BY point, era ORDER BY moment) END AS added
        FROM heaped
    )
    WHERE since IS NOT NULL
),
parts AS (
    SELECT equipment, hour,
           CAST(added AS HUGEINT) * (least(moment, hour + 3600000000) - since) // (moment - since)
           - CAST(added AS HUGEINT) * (greatest(since, hour) - since) // (moment - since) AS energy_wh
    FROM (
        SELECT equipment, since, moment, added,
               unnest(range(since - since % 3600000000, moment, 3600000000)) AS hour
        FROM steps
    )
),
energy AS (
    SELECT equipment, make_timestamp(CAST(hour AS BIGINT)) AS hour, sum(energy_wh) AS energy_wh FROM parts GROUP BY ALL
),
seen AS (
    SELECT equipment, date_trunc('hour', time) AS hour, count(*) AS samples, count(DISTINCT time_bucket(INTERVAL 15 MINUTE, time)) AS quarters
    FROM good WHERE role = 'active_energy' GROUP BY ALL
),
power AS (
    SELECT equipment, date_trunc('hour', time) AS hour, sum(value) AS total, count(*) AS n, max(value) AS power_w_max
    FROM good WHERE role = 'active_power' GROUP BY ALL
)
SELECT coalesce(e.hour, s.hour) AS hour, n.pseudonym AS meter, CAST(coalesce(e.energy_wh, 0) AS DECIMAL(18, 0)) / 1000 AS energy_kwh,
       p.total / p.n / 1000 AS power_kw_mean, p.power_w_max / 1000 AS power_kw_max,
       coalesce(s.samples, 0) AS samples, coalesce(s.quarters, 0) / 4 AS coverage
FROM energy e FULL JOIN seen s ON s.equipment = e.equipment AND s.hour = e.hour
JOIN pseudonyms n ON n.equipment = coalesce(e.equipment, s.equipment)
LEFT JOIN power p ON p.equipment = n.equipment AND p.hour = coalesce(e.hour, s.hour), asked a
WHERE coalesce(e.hour, s.hour) >= a.begins AND coalesce(e.hour, s.hour) < a.ends
ORDER BY meter, hour
