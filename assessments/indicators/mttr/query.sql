-- Time down / failures, in hours: mean time to repair, for the plant.
-- A failure is a stretch down in planned time; what is down, unknown, and down again counts once. Hours: seconds / 3600.
-- The rules of time are told, by number, in factory_kit/kpi/timemodel.py, the oracle this file is tested against.
-- Times are whole microseconds since 1970-01-01 UTC. Parameters: $start, $stop, $lookback, $silence.
WITH
subjects AS (
    SELECT equipment
    FROM equipment
    WHERE NOT regexp_matches(kind, 'meter|compressor|chiller|boiler|pump|transformer|utility|sensor|gateway')
),
asked AS (
    SELECT point, equipment, role, true AS timed
    FROM points
    WHERE role = 'state' AND equipment IN (SELECT equipment FROM subjects)
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

-- begin timeline: what each machine did, from the start of the interval to its end (rule 6)
meaning AS (
    SELECT h.point, h.since, h.until, m.raw, m.state, m.profile
    FROM (
        SELECT point, connector, connector_version,
               CASE WHEN row_number() OVER w = 1 THEN -9000000000000000000 ELSE epoch_us(since) END AS since,
               coalesce(lead(epoch_us(since)) OVER w, 9000000000000000000) AS until
        FROM points_history
        WINDOW w AS (PARTITION BY point ORDER BY since)
    ) AS h
    JOIN states AS m USING (connector, connector_version)
),
said AS MATERIALIZED (
    SELECT a.equipment, s.moment, coalesce(m.state, 'unknown') AS state, m.profile
    FROM heard AS s
    JOIN asked AS a USING (point)
    LEFT JOIN meaning AS m
        ON m.point = s.point AND m.since <= s.moment AND s.moment < m.until
        AND m.raw = coalesce(s.text, CASE WHEN s.value = trunc(s.value) THEN CAST(TRY_CAST(s.value AS BIGINT) AS VARCHAR) END)
    WHERE a.role = 'state' AND s.quality < 2
),
mark AS (
    SELECT equipment, moment, state, 0 AS knowing, 0 AS planned FROM said
    UNION ALL SELECT a.equipment, c.moment, NULL, 1, 0 FROM certainty AS c JOIN asked AS a USING (point) WHERE c.known AND a.timed
    UNION ALL SELECT a.equipment, c.until, NULL, -1, 0 FROM certainty AS c JOIN asked AS a USING (point) WHERE c.known AND a.timed
    UNION ALL SELECT equipment, start, NULL, 0, 1 FROM planned
    UNION ALL SELECT equipment, "end", NULL, 0, -1 FROM planned
    UNION ALL SELECT equipment, $start, NULL, 0, 0 FROM subjects
    UNION ALL SELECT equipment, $stop, NULL, 0, 0 FROM subjects
),
step AS MATERIALIZED (
    SELECT equipment, moment,
           lead(moment) OVER w AS until,
           last_value(max(state) IGNORE NULLS) OVER w AS state,
           sum(sum(knowing)) OVER w AS knowing,
           sum(sum(planned)) OVER w > 0 AS planned
    FROM mark
    WHERE equipment IN (SELECT equipment FROM subjects)
    GROUP BY equipment, moment
    WINDOW w AS (PARTITION BY equipment ORDER BY moment)
),
segment AS MATERIALIZED (
    SELECT s.equipment, s.moment, s.until,
           CASE WHEN s.knowing = n.points THEN coalesce(s.state, 'unknown') ELSE 'unknown' END AS state,
           s.planned,
           least(s.until, $stop) - greatest(s.moment, $start) AS length
    FROM step AS s
    LEFT JOIN (SELECT equipment, count(*) FILTER (timed) AS points FROM asked GROUP BY equipment) AS n USING (equipment)
    WHERE s.until > $start AND s.moment < $stop
),
hours AS (
    SELECT equipment,
           coalesce(sum(length) FILTER (planned), 0) AS planned_us,
           coalesce(sum(length) FILTER (planned AND state = 'producing'), 0) AS producing_us,
           coalesce(sum(length) FILTER (planned AND state = 'setup'), 0) AS setup_us,
           coalesce(sum(length) FILTER (planned AND state = 'idle'), 0) AS idle_us,
           coalesce(sum(length) FILTER (planned AND state = 'down'), 0) AS down_us,
           coalesce(sum(length) FILTER (planned AND state = 'maintenance'), 0) AS maintenance_us,
           coalesce(sum(length) FILTER (planned AND state = 'off'), 0) AS off_us,
           coalesce(sum(length) FILTER (planned AND state = 'unknown'), 0) AS unknown_us
    FROM segment
    GROUP BY equipment
),
profiles AS (
    SELECT equipment, list(DISTINCT profile ORDER BY profile) AS profiles
    FROM said
    WHERE profile IS NOT NULL
    GROUP BY equipment
),
-- end timeline

failures AS (
    SELECT equipment, count(*) FILTER (state = 'down' AND before IS DISTINCT FROM 'down') AS failures
    FROM (
        SELECT equipment, state, lag(state) OVER (PARTITION BY equipment ORDER BY moment) AS before
        FROM segment
        WHERE planned AND state <> 'unknown'
    )
    GROUP BY equipment
),
machine AS (
    SELECT s.equipment, h.* EXCLUDE (equipment), a.points, f.profiles, coalesce(x.failures, 0) AS failures,
           CASE WHEN a.points IS NULL THEN 'no point tells the state' END AS not_applicable,
           CASE WHEN len(a.points) > 1 THEN 'several points tell the state' END AS inconclusive
    FROM subjects AS s
    JOIN hours AS h USING (equipment)
    LEFT JOIN (SELECT equipment, list(point ORDER BY point) AS points FROM asked GROUP BY equipment) AS a USING (equipment)
    LEFT JOIN profiles AS f USING (equipment)
    LEFT JOIN failures AS x USING (equipment)
),
answer AS (
    SELECT equipment AS subject, 1 AS machines, * EXCLUDE (equipment) FROM machine
    UNION ALL BY NAME
    SELECT 'plant' AS subject, count(*) AS machines,
           coalesce(sum(planned_us), 0) AS planned_us, coalesce(sum(producing_us), 0) AS producing_us,
           coalesce(sum(setup_us), 0) AS setup_us, coalesce(sum(idle_us), 0) AS idle_us,
           coalesce(sum(down_us), 0) AS down_us, coalesce(sum(maintenance_us), 0) AS maintenance_us,
           coalesce(sum(off_us), 0) AS off_us, coalesce(sum(unknown_us), 0) AS unknown_us,
           coalesce(sum(failures), 0) AS failures,
           flatten(list(points ORDER BY equipment)) AS points,
           list_sort(list_distinct(flatten(list(profiles ORDER BY equipment)))) AS profiles,
           CASE WHEN count(*) = 0 THEN 'no machine has a point that tells the state' END AS not_applicable,
           NULL AS inconclusive
    FROM machine
    WHERE not_applicable IS NULL AND inconclusive IS NULL
)
SELECT subject, not_applicable,
       CASE WHEN inconclusive IS NOT NULL THEN inconclusive
            WHEN failures = 0 AND planned_us > unknown_us THEN 'no failure was seen'
            WHEN failures < 5 AND planned_us > unknown_us THEN 'fewer than five failures: a mean says little' END AS inconclusive,
       down_us AS numerator, failures * 3600000000 AS denominator,
       -- unknown time may hide any number of failures
       CASE WHEN unknown_us = 0 THEN down_us ELSE 0 END AS lower_numerator, failures * 3600000000 AS lower_denominator,
       down_us + unknown_us AS upper_numerator, failures * 3600000000 AS upper_denominator,
       planned_us - unknown_us AS covered, planned_us AS coverable,
       (SELECT count(*) FROM subjects) AS ledger,
       points, profiles, machines,
       planned_us, producing_us, setup_us, idle_us, down_us, maintenance_us, off_us, unknown_us, failures
FROM answer
WHERE subject = 'plant'
