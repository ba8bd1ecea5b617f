-- Key data that arrived automatically / key data of the key machines in the ledger (all production machines where none is key).
-- Key data are three per machine: its state, its output (total count), and at least one running parameter. One has arrived when
-- a good value of it lies in the interval. Parameters: $start, $stop. Times are whole microseconds since 1970-01-01 UTC.
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
wanted AS (
    SELECT point, equipment,
           CASE WHEN role = 'state' THEN 'state'
                WHEN role = 'total_count' THEN 'output'
                ELSE 'running parameter' END AS datum
    FROM points
    WHERE equipment IN (SELECT equipment FROM subjects)
      AND role IN ('state', 'total_count', 'spindle_load', 'speed', 'feed', 'active_power', 'voltage', 'current', 'frequency',
                   'temperature', 'pressure', 'flow', 'level', 'vibration')
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

arrived AS (
    SELECT equipment, datum, list(point ORDER BY point) AS points
    FROM wanted
    WHERE point IN (
        SELECT point FROM samples
        WHERE quality = 0 AND time >= make_timestamp($start) AND time < make_timestamp($stop)
    )
    GROUP BY equipment, datum
),
answer AS (
    SELECT (SELECT count(*) FROM subjects) AS machines,
           count(*) AS arrived,
           (SELECT count(*) FROM (SELECT DISTINCT equipment, datum FROM wanted)) AS expected,
           coalesce(flatten(list(points ORDER BY equipment, datum)), []) AS points,
           count(*) FILTER (datum = 'state') AS states,
           count(*) FILTER (datum = 'output') AS outputs,
           count(*) FILTER (datum = 'running parameter') AS running_parameters
    FROM arrived
)
SELECT 'plant' AS subject,
       CASE WHEN machines = 0 THEN 'the ledger names no production machine' END AS not_applicable,
       NULL AS inconclusive,
       arrived AS numerator, 3 * machines AS denominator,
       arrived AS lower_numerator, 3 * machines AS lower_denominator,
       -- what the connectors name may have arrived while no run watched
       CASE WHEN watched_us < $stop - $start THEN expected ELSE arrived END AS upper_numerator, 3 * machines AS upper_denominator,
       watched_us AS covered, $stop - $start AS coverable,
       machines AS ledger,
       points, EXISTS (SELECT 1 FROM production WHERE key) AS key_machines_only,
       states, outputs, running_parameters
FROM answer, watched
