-- Key machines of which a running parameter arrives in real time / key machines in the ledger (all production machines where
-- none is marked as key). In real time: for at least $enough per cent of the running time the newest value of the point is good
-- and no older than $fresh. Running time is producing time, for a machine that does not tell its state planned time.
-- The rules of time are told, by number, in factory_kit/kpi/timemodel.py, the oracle this file is tested against.
-- Times are whole microseconds since 1970-01-01 UTC. Parameters: $start, $stop, $lookback, $silence, $fresh, $enough.
WITH
production AS (
    SELECT equipment, key
    FROM equipment
    WHERE NOT regexp_matches(kind, 'meter|compressor|chiller|boiler|pump|transformer|utility|sensor|gateway')
),
subjects AS (
    SELECT equipment
    FROM production
    WHERE key OR NOT EXISTS (SELECT 1 FROM production AS other WHERE other.key)
),
asked AS (
    SELECT point, equipment, role, role = 'state' AS timed
    FROM points
    WHERE equipment IN (SELECT equipment FROM subjects)
      AND role IN ('state', 'spindle_load', 'speed', 'feed', 'active_power', 'voltage', 'current', 'frequency', 'temperature',
                   'pressure', 'flow', 'level', 'vibration')
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

stateful AS (
    SELECT DISTINCT equipment FROM asked WHERE timed
),
-- running time up to each moment, so that the running part of any stretch is a difference
running AS (
    SELECT equipment, moment, until, runs,
           coalesce(sum(CASE WHEN runs THEN length ELSE 0 END) OVER (
               PARTITION BY equipment ORDER BY moment ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ), 0) AS ran_us
    FROM (
        SELECT equipment, greatest(moment, $start) AS moment, until, length,
               CASE WHEN equipment IN (SELECT equipment FROM stateful) THEN state = 'producing' ELSE planned END AS runs
        FROM segment
    )
),
ran AS (
    SELECT equipment, sum(until - moment) FILTER (runs) AS running_us
    FROM (SELECT equipment, moment, least(until, $stop) AS until, runs FROM running)
    GROUP BY equipment
),
neighbours AS MATERIALIZED (
    SELECT point, moment, quality,
           lag(moment) OVER w AS before, lag(quality) OVER w AS quality_before,
           lead(moment) OVER w AS after, lead(quality) OVER w AS quality_after
    FROM heard
    WHERE point IN (SELECT point FROM asked WHERE NOT timed)
    WINDOW w AS (PARTITION BY point ORDER BY moment)
    QUALIFY quality = 0 AND NOT coalesce(quality_before = 0 AND moment - before <= $fresh AND quality_after = 0 AND after - moment <= $fresh, false)
),
-- fresh stretches: from a good value to the next value, at most $fresh; of those that touch only the outer ends are kept
outer_end AS (
    SELECT point, greatest(moment, $start) AS at, -1 AS sign
    FROM (SELECT *, moment - before <= $fresh AND quality_before = 0 AS goes_on FROM neighbours)
    WHERE quality = 0 AND goes_on IS DISTINCT FROM true
    UNION ALL
    SELECT point, greatest($start, least(moment + $fresh, coalesce(after, moment + $fresh), $stop)), 1
    FROM (SELECT *, after - moment <= $fresh AND quality_after = 0 AS goes_on FROM neighbours)
    WHERE quality = 0 AND goes_on IS DISTINCT FROM true
),
covered AS (
    SELECT a.equipment, f.point, sum(f.sign * (r.ran_us + CASE WHEN r.runs THEN f.at - r.moment ELSE 0 END)) AS fresh_us
    FROM (SELECT a.equipment, o.point, o.at, o.sign FROM outer_end AS o JOIN asked AS a USING (point)) AS f
    ASOF JOIN running AS r ON r.equipment = f.equipment AND f.at >= r.moment
    JOIN asked AS a ON a.point = f.point
    GROUP BY a.equipment, f.point
),
machine AS (
    SELECT s.equipment, a.points, coalesce(r.running_us, 0) AS running_us,
           coalesce(c.fresh_us, 0) AS fresh_us,
           a.parameters > 0 AS equipped,
           coalesce(r.running_us, 0) > 0 OR a.parameters IS NULL OR a.parameters = 0 AS decided,
           coalesce(r.running_us > 0 AND c.fresh_us * 100 >= r.running_us * $enough, false) AS in_time
    FROM subjects AS s
    LEFT JOIN ran AS r USING (equipment)
    LEFT JOIN (SELECT equipment, max(fresh_us) AS fresh_us FROM covered GROUP BY equipment) AS c USING (equipment)
    LEFT JOIN (
        SELECT equipment, list(point ORDER BY point) AS points, count(*) FILTER (NOT timed) AS parameters
        FROM asked
        GROUP BY equipment
    ) AS a USING (equipment)
),
answer AS (
    SELECT count(*) AS machines,
           count(*) FILTER (in_time) AS in_time,
           count(*) FILTER (decided) AS decided,
           coalesce(flatten(list(points ORDER BY equipment) FILTER (points IS NOT NULL)), []) AS points,
           coalesce(list(equipment ORDER BY equipment) FILTER (in_time), []) AS in_time_machines,
           coalesce(list(equipment ORDER BY equipment) FILTER (decided AND NOT in_time), []) AS not_in_time,
           coalesce(list(equipment ORDER BY equipment) FILTER (NOT decided), []) AS never_ran
    FROM machine
)
SELECT 'plant' AS subject,
       CASE WHEN machines = 0 THEN 'the ledger names no production machine' END AS not_applicable,
       NULL AS inconclusive,
       in_time AS numerator, decided AS denominator,
       in_time AS lower_numerator, machines AS lower_denominator,
       in_time + machines - decided AS upper_numerator, machines AS upper_denominator,
       decided AS covered, machines AS coverable,
       machines AS ledger,
       points, EXISTS (SELECT 1 FROM production WHERE key) AS key_machines_only,
       in_time_machines, not_in_time, never_ran
FROM answer
