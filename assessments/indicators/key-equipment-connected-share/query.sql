-- Key machines that delivered at least one good value in the interval / key machines in the ledger (all production machines where
-- none is key). Parameters: $start, $stop, $lookback, $silence. Times are whole microseconds since 1970-01-01 UTC.
WITH
production AS (
    SELECT equipment, key, connected
    FROM equipment
    WHERE NOT regexp_matches(kind, 'meter|compressor|chiller|boiler|pump|transformer|utility|sensor|gateway')
),
subjects AS (
    SELECT equipment, connected
    FROM production
    WHERE key OR NOT EXISTS (SELECT 1 FROM production AS other WHERE other.key)
),

-- begin life: when each run watched each server (rules 1 to 3)
pulse AS MATERIALIZED (
    SELECT run, point, count(*) AS samples, min(time) AS first, max(time) AS last,
           max(coalesce(received_time, time)) AS sign,
           min(abs(epoch_us(received_time) - epoch_us(time))) AS skew
    FROM samples
    WHERE time >= make_timestamp($start - $lookback) AND time < make_timestamp($stop + 86400000000)
    GROUP BY run, point
),
life AS MATERIALIZED (
    SELECT run, server, history, agree,
           epoch_us(CASE WHEN agree THEN started ELSE first END) AS opened,
           epoch_us(CASE WHEN agree THEN coalesce(ended, sign) ELSE last END) AS closed
    FROM (
        SELECT r.run, h.server, r.started, r.ended, h.first, h.last, h.sign,
               r.origin IN ('imported', 'replayed') AS history,
               r.origin = 'live' AND h.skew <= $silence AS agree
        FROM runs AS r
        JOIN (
            SELECT u.run, p.server, min(u.first) AS first, max(u.last) AS last, max(u.sign) AS sign, coalesce(min(u.skew), 0) AS skew
            FROM pulse AS u
            JOIN points AS p USING (point)
            GROUP BY u.run, p.server
        ) AS h USING (run)
    )
),
-- end life

-- begin watched: how much of the interval any run watched at all
turn AS (
    SELECT greatest(opened, $start) AS moment, 1 AS watching FROM life WHERE opened < closed AND closed > $start AND opened < $stop
    UNION ALL
    SELECT least(closed, $stop), -1 FROM life WHERE opened < closed AND closed > $start AND opened < $stop
),
watched AS (
    SELECT coalesce(sum(until - moment) FILTER (depth > 0), 0) AS watched_us
    FROM (
        SELECT moment, lead(moment) OVER w AS until, sum(sum(watching)) OVER w AS depth
        FROM turn
        GROUP BY moment
        WINDOW w AS (ORDER BY moment)
    )
),
-- end watched

delivering AS (
    SELECT p.equipment, list(p.point ORDER BY p.point) AS points
    FROM points AS p
    WHERE p.point IN (
        SELECT point FROM samples
        WHERE quality = 0 AND time >= make_timestamp($start) AND time < make_timestamp($stop)
    )
    GROUP BY p.equipment
),
machine AS (
    SELECT s.equipment, s.connected, d.points, d.equipment IS NOT NULL AS good
    FROM subjects AS s
    LEFT JOIN delivering AS d USING (equipment)
),
answer AS (
    SELECT count(*) AS machines,
           count(*) FILTER (good) AS good,
           count(*) FILTER (connected AND NOT good) AS silent,
           coalesce(flatten(list(points ORDER BY equipment) FILTER (good)), []) AS points,
           coalesce(list(equipment ORDER BY equipment) FILTER (good), []) AS connected,
           coalesce(list(equipment ORDER BY equipment) FILTER (connected AND NOT good), []) AS connected_but_silent,
           coalesce(list(equipment ORDER BY equipment) FILTER (NOT connected AND NOT good), []) AS not_connected
    FROM machine
)
SELECT 'plant' AS subject,
       CASE WHEN machines = 0 THEN 'the ledger names no production machine' END AS not_applicable,
       NULL AS inconclusive,
       good AS numerator, machines AS denominator,
       good AS lower_numerator, machines AS lower_denominator,
       -- a machine that should answer may have done so while no run watched
       good + CASE WHEN watched_us < $stop - $start THEN silent ELSE 0 END AS upper_numerator, machines AS upper_denominator,
       watched_us AS covered, $stop - $start AS coverable,
       machines AS ledger,
       points, EXISTS (SELECT 1 FROM production WHERE key) AS key_machines_only,
       connected, connected_but_silent, not_connected
FROM answer, watched
