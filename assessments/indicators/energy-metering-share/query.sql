-- Metering points whose consumption is known for at least $enough per cent of the interval / metering points in the ledger.
-- Metering points are the ledger's meters and utilities: everything that is no production machine.
-- The rules of time are told, by number, in factory_kit/kpi/timemodel.py, the oracle this file is tested against.
-- Times are whole microseconds since 1970-01-01 UTC. Parameters: $start, $stop, $lookback, $silence, $enough.
WITH
subjects AS (
    SELECT equipment, connected
    FROM equipment
    WHERE regexp_matches(kind, 'meter|compressor|chiller|boiler|pump|transformer|utility')
),
asked AS (
    SELECT point, equipment, role, true AS timed
    FROM points
    WHERE role IN ('active_energy', 'active_power') AND equipment IN (SELECT equipment FROM subjects)
),

-- begin life: when each run watched each server (rules 1 to 3)
pulse AS (
    SELECT s.run, p.server, min(s.time) AS first, max(s.time) AS last,
           max(coalesce(s.received_time, s.time)) AS sign,
           coalesce(min(abs(epoch_us(s.received_time) - epoch_us(s.time))), 0) AS skew
    FROM samples AS s
    JOIN points AS p USING (point)
    WHERE s.time >= make_timestamp($start - $lookback) AND s.time < make_timestamp($stop + 86400000000)
    GROUP BY s.run, p.server
),
life AS (
    SELECT run, server, history, agree,
           epoch_us(CASE WHEN agree THEN started ELSE first END) AS opened,
           epoch_us(CASE WHEN agree THEN coalesce(ended, sign) ELSE last END) AS closed
    FROM (
        SELECT r.run, h.server, r.started, r.ended, h.first, h.last, h.sign,
               r.origin IN ('imported', 'replayed') AS history,
               r.origin = 'live' AND h.skew <= $silence AS agree
        FROM runs AS r
        JOIN pulse AS h USING (run)
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

-- begin knowledge: when the value of each asked point is known (rules 1 to 5, and 7)
near AS NOT MATERIALIZED (
    SELECT point, time, value, text, quality, received_time, run
    FROM samples
    WHERE time >= make_timestamp($start - $lookback) AND time < make_timestamp($stop)
    UNION ALL
    SELECT point, time, value, text, quality, received_time, run
    FROM samples
    WHERE time < make_timestamp($start - $lookback)
      AND run IN (SELECT run FROM life WHERE agree AND opened >= $start - $lookback AND opened < $stop)
),
swallowed AS (
    SELECT s.point, s.time
    FROM near AS s
    JOIN asked AS a ON a.point = s.point
    JOIN gaps AS g ON g.point = s.point AND g.start <= s.time AND s.time < g."end"
    WHERE s.quality = 2
),
sound AS NOT MATERIALIZED (
    SELECT s.point, s.run, l.history, s.time, s.value, s.text, s.quality, s.received_time,
           CASE WHEN l.agree THEN greatest(epoch_us(s.time), l.opened) ELSE epoch_us(s.time) END AS moment
    FROM near AS s
    JOIN points AS p ON p.point = s.point
    JOIN life AS l ON l.run = s.run AND l.server = p.server
    ANTI JOIN swallowed AS w ON w.point = s.point AND w.time = s.time AND s.quality = 2
    WHERE s.point IN (SELECT point FROM asked)
      AND (s.time >= make_timestamp($start - $lookback) OR (l.agree AND l.opened >= $start - $lookback))
),
heard AS NOT MATERIALIZED (
    SELECT *
    FROM sound
    WHERE moment < $stop
    QUALIFY row_number() OVER (
        PARTITION BY point, moment
        ORDER BY time DESC, quality, received_time DESC NULLS LAST, value DESC NULLS LAST, text DESC NULLS LAST, run DESC
    ) = 1
),
repeated AS (
    SELECT d.run, d.point
    FROM loss_ledger AS d
    LEFT JOIN (
        SELECT run, point, count(*) AS stored
        FROM samples
        WHERE point IN (SELECT point FROM asked)
        GROUP BY run, point
    ) AS s USING (run, point)
    WHERE d.point IN (SELECT point FROM asked) AND d.delivered > coalesce(s.stored, 0)
),
begun AS MATERIALIZED (
    SELECT point, run, min(moment) AS opened FROM sound WHERE moment < $stop GROUP BY point, run
),
watch AS (
    SELECT w.point, w.opened, l.closed
    FROM (
        SELECT point, run, opened FROM begun
        UNION ALL
        SELECT r.point, r.run, greatest(l.opened, b.opened)
        FROM repeated AS r
        JOIN points AS p USING (point)
        JOIN life AS l ON l.run = r.run AND l.server = p.server
        JOIN (SELECT point, min(opened) AS opened FROM begun GROUP BY point) AS b ON b.point = r.point
        WHERE NOT l.history
    ) AS w
    JOIN points AS p USING (point)
    JOIN life AS l ON l.run = w.run AND l.server = p.server
    WHERE w.opened < l.closed
),
doubtful AS (
    SELECT DISTINCT point FROM sound WHERE quality = 2 OR history
),
doubt AS (
    SELECT point, moment, quality = 2 AS bad, history, lead(moment) OVER (PARTITION BY point ORDER BY moment) AS next
    FROM (
        SELECT *
        FROM sound
        WHERE moment < $stop AND point IN (SELECT point FROM doubtful)
        QUALIFY row_number() OVER (
            PARTITION BY point, moment
            ORDER BY time DESC, quality, received_time DESC NULLS LAST, value DESC NULLS LAST, text DESC NULLS LAST, run DESC
        ) = 1
    )
),
edge AS (
    SELECT point, opened AS moment, 1 AS watching, 0 AS unsure FROM watch
    UNION ALL SELECT point, closed, -1, 0 FROM watch
    UNION ALL SELECT point, epoch_us(start), 0, 1 FROM gaps WHERE point IN (SELECT point FROM asked)
    UNION ALL SELECT point, epoch_us("end"), 0, -1 FROM gaps WHERE point IN (SELECT point FROM asked)
    UNION ALL SELECT point, moment, 0, 1 FROM doubt WHERE bad
    UNION ALL SELECT point, next, 0, -1 FROM doubt WHERE bad AND next IS NOT NULL
    UNION ALL SELECT point, moment + $silence, 0, 1 FROM doubt WHERE NOT bad AND history AND coalesce(next > moment + $silence, true)
    UNION ALL SELECT point, next, 0, -1 FROM doubt WHERE NOT bad AND history AND next > moment + $silence
),
certainty AS (
    SELECT point, moment, lead(moment) OVER w AS until, sum(sum(watching)) OVER w > 0 AND sum(sum(unsure)) OVER w = 0 AS known
    FROM edge
    GROUP BY point, moment
    WINDOW w AS (PARTITION BY point ORDER BY moment)
),
-- end knowledge

complete AS (
    SELECT point, sum(least(until, $stop) - greatest(moment, $start)) AS known_us
    FROM certainty
    WHERE known AND until > $start AND moment < $stop
    GROUP BY point
),
place AS (
    SELECT s.equipment, s.connected, a.points, coalesce(a.known_us, 0) * 100 >= ($stop - $start) * $enough AS metered
    FROM subjects AS s
    LEFT JOIN (
        SELECT equipment, list(point ORDER BY point) AS points, max(known_us) AS known_us
        FROM asked
        LEFT JOIN complete USING (point)
        GROUP BY equipment
    ) AS a USING (equipment)
),
answer AS (
    SELECT count(*) AS places,
           count(*) FILTER (metered) AS metered,
           count(*) FILTER (points IS NOT NULL) AS equipped,
           coalesce(flatten(list(points ORDER BY equipment) FILTER (points IS NOT NULL)), []) AS points,
           coalesce(list(equipment ORDER BY equipment) FILTER (metered), []) AS metered_places,
           coalesce(list(equipment ORDER BY equipment) FILTER (points IS NOT NULL AND NOT metered), []) AS too_little_data,
           coalesce(list(equipment ORDER BY equipment) FILTER (points IS NULL), []) AS not_metered
    FROM place
)
SELECT 'plant' AS subject,
       CASE WHEN places = 0 THEN 'the ledger names no metering point' END AS not_applicable,
       NULL AS inconclusive,
       metered AS numerator, places AS denominator,
       metered AS lower_numerator, places AS lower_denominator,
       CASE WHEN watched_us < $stop - $start THEN equipped ELSE metered END AS upper_numerator, places AS upper_denominator,
       watched_us AS covered, $stop - $start AS coverable,
       places AS ledger,
       points, metered_places, too_little_data, not_metered
FROM answer, watched
