-- Performance and capability of each characteristic on each gauge. View: rows.
-- s within from the mean moving range of two: d2 = 1.128 (AIAG SPC, individuals and moving range chart).
WITH moved AS (
    SELECT *, abs(measured - lag(measured) OVER (PARTITION BY gauge, characteristic ORDER BY time)) AS moving_range FROM rows
),
told AS (
    SELECT gauge, characteristic, any_value(kind) AS kind, count(*) AS n, avg(measured) AS mean, stddev_samp(measured) AS s, avg(moving_range) / 1.128 AS within_s,
           any_value(lower) AS lsl, any_value(upper) AS usl, count(*) FILTER (NOT in_tolerance) AS outside
    FROM moved GROUP BY gauge, characteristic
),
judged AS (
    SELECT t.*, (SELECT count(*) FROM rows r WHERE r.gauge = t.gauge AND r.characteristic = t.characteristic AND abs(r.measured - t.mean) > 3 * t.within_s) AS beyond
    FROM told t
)
SELECT gauge, characteristic, kind, n, CAST(mean AS DECIMAL(18, 5)) AS mean, CAST(s AS DECIMAL(18, 5)) AS s,
       CASE WHEN n >= 50 AND s > 0 THEN CAST((usl - lsl) / (6 * s) AS DECIMAL(9, 2)) END AS pp,
       CASE WHEN n >= 50 AND s > 0 THEN CAST(least((usl - mean) / (3 * s), (mean - lsl) / (3 * s)) AS DECIMAL(9, 2)) END AS ppk, beyond,
       CASE WHEN n >= 50 AND within_s > 0 AND beyond * 100 <= n
            THEN CAST(least((usl - mean) / (3 * within_s), (mean - lsl) / (3 * within_s)) AS DECIMAL(9, 2)) END AS cpk, outside
FROM judged ORDER BY gauge, characteristic
