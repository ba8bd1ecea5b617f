-- Key machines whose alarm can be read from outside: a point of the role alarm is known for $enough per cent of the interval / key
-- machines of the ledger (all production machines where none is key).
-- The rules of time are told, by number, in factory_kit/kpi/timemodel.py.
-- Times are whole microseconds since 1970-01-01 UTC. Parameters: $start, $stop, $lookback, $silence, $enough.
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
asked AS (
    SELECT point, equipment, role, false AS timed
    FROM points
    WHERE role = 'alarm' AND equipment IN (SELECT equipment FROM subjects)
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

-- begin knowledge: when the value of each asked point is known (rules 1 to 5, and 7)
living AS MATERIALIZED (
    SELECT a.point, l.run, l.history, l.agree, l.opened, l.closed
    FROM asked AS a
    JOIN points AS p USING (point)
    JOIN life AS l USING (server)
),
near AS NOT MATERIALIZED (
    SELECT point, time, value, text, quality, run
    FROM samples
    WHERE time >= make_timestamp($start - $lookback) AND time < make_timestamp($stop)
      AND point IN (SELECT point FROM asked)
),
-- first values of runs, older than the run, with the moment from which they count; and what else counts at such a moment
early AS MATERIALIZED (
    SELECT s.point, s.time, s.value, s.text, s.quality, s.run, l.opened AS moment
    FROM near AS s
    JOIN living AS l ON l.point = s.point AND l.run = s.run
    WHERE l.agree AND epoch_us(s.time) < l.opened
    UNION ALL
    SELECT s.point, s.time, s.value, s.text, s.quality, s.run, l.opened
    FROM samples AS s
    JOIN living AS l ON l.point = s.point AND l.run = s.run
    WHERE s.time < make_timestamp($start - $lookback) AND l.agree AND l.opened >= $start - $lookback
    UNION ALL
    SELECT s.point, s.time, s.value, s.text, s.quality, s.run, o.opened
    FROM near AS s
    JOIN (
        -- not the first values of another run that began later: those count from its start alone
        SELECT DISTINCT point, l.run, o.opened
        FROM living AS o
        JOIN living AS l USING (point)
        WHERE o.agree AND NOT (l.agree AND o.opened < l.opened)
    ) AS o ON o.point = s.point AND o.run = s.run AND o.opened = epoch_us(s.time)
),
swallowed AS MATERIALIZED (
    SELECT s.point, s.time
    FROM (SELECT point, time, quality FROM near UNION ALL SELECT point, time, quality FROM early) AS s
    JOIN gaps AS g ON g.point = s.point AND g.start <= s.time AND s.time < g."end"
    WHERE s.quality = 2
),
-- the samples that count, one per point and moment
heard AS NOT MATERIALIZED (
    SELECT s.point, epoch_us(s.time) AS moment, s.value, s.text, s.quality, s.run
    FROM near AS s
    ANTI JOIN early AS e ON e.point = s.point AND e.time = s.time
    ANTI JOIN swallowed AS w ON w.point = s.point AND w.time = s.time
    UNION ALL
    SELECT point, moment, value, text, quality, run
    FROM (
        SELECT *
        FROM early AS s
        ANTI JOIN swallowed AS w ON w.point = s.point AND w.time = s.time
        QUALIFY row_number() OVER (PARTITION BY point, moment ORDER BY time DESC) = 1
    )
    WHERE moment < $stop
),
begun AS MATERIALIZED (
    SELECT u.point, u.run, CASE WHEN l.agree THEN greatest(epoch_us(u.first), l.opened) ELSE epoch_us(u.first) END AS opened
    FROM pulse AS u
    JOIN living AS l USING (point, run)
    WHERE u.first < make_timestamp($stop)
    UNION ALL
    SELECT point, run, moment FROM early
),
suspect AS MATERIALIZED (
    SELECT d.run, d.point, d.delivered
    FROM loss_ledger AS d
    JOIN living AS l USING (point, run)
    LEFT JOIN pulse AS u USING (run, point)
    WHERE NOT l.history AND d.delivered > coalesce(u.samples, 0)
),
repeated AS (
    SELECT d.run, d.point
    FROM suspect AS d
    LEFT JOIN (
        SELECT run, point, count(*) AS stored
        FROM samples
        WHERE point IN (SELECT point FROM suspect)
        GROUP BY run, point
    ) AS s USING (run, point)
    WHERE d.delivered > coalesce(s.stored, 0)
),
watch AS (
    SELECT w.point, w.opened, l.closed
    FROM (
        SELECT point, run, opened FROM begun
        UNION ALL
        SELECT r.point, r.run, greatest(l.opened, b.opened)
        FROM repeated AS r
        JOIN living AS l USING (point, run)
        JOIN (SELECT point, min(opened) AS opened FROM begun GROUP BY point) AS b USING (point)
    ) AS w
    JOIN living AS l USING (point, run)
    WHERE w.opened < l.closed
),
doubtful AS MATERIALIZED (
    SELECT point FROM near WHERE quality = 2
    UNION
    SELECT point FROM early WHERE quality = 2
    UNION
    SELECT u.point FROM pulse AS u JOIN living AS l USING (point, run) WHERE l.history
),
doubt AS (
    SELECT h.point, h.moment, h.quality = 2 AS bad, l.history, lead(h.moment) OVER (PARTITION BY h.point ORDER BY h.moment) AS next
    FROM heard AS h
    JOIN living AS l USING (point, run)
    WHERE h.point IN (SELECT point FROM doubtful)
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
    -- a bad sample that a gap swallowed opens the watch of its run, but says no value: nothing is known before the first that counts
    UNION ALL SELECT DISTINCT point, $start - $lookback, 0, 1 FROM swallowed
    UNION ALL SELECT point, min(moment), 0, -1 FROM heard WHERE point IN (SELECT point FROM swallowed) GROUP BY point
),
certainty AS MATERIALIZED (
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
    SELECT s.equipment, a.points, coalesce(a.known_us, 0) * 100 >= ($stop - $start) * $enough AS known
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
           count(*) FILTER (known) AS known,
           count(*) FILTER (points IS NOT NULL) AS equipped,
           coalesce(flatten(list(points ORDER BY equipment) FILTER (points IS NOT NULL)), []) AS points,
           coalesce(list(equipment ORDER BY equipment) FILTER (known), []) AS with_alarm,
           coalesce(list(equipment ORDER BY equipment) FILTER (points IS NOT NULL AND NOT known), []) AS too_little_data,
           coalesce(list(equipment ORDER BY equipment) FILTER (points IS NULL), []) AS without_alarm
    FROM place
)
SELECT 'plant' AS subject,
       CASE WHEN places = 0 THEN 'the ledger names no production machine' END AS not_applicable,
       NULL AS inconclusive,
       known AS numerator, places AS denominator,
       known AS lower_numerator, places AS lower_denominator,
       CASE WHEN watched_us < $stop - $start THEN equipped ELSE known END AS upper_numerator, places AS upper_denominator,
       watched_us AS covered, $stop - $start AS coverable,
       places AS ledger,
       points, EXISTS (SELECT 1 FROM production WHERE key) AS key_machines_only,
       with_alarm, too_little_data, without_alarm
FROM answer, watched
