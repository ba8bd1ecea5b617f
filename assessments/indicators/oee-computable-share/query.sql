-- Key machines whose OEE can be computed / key machines in the ledger (all production machines where none is marked as key).
-- It can where state, total and good counter exist, the ledger gives the ideal cycle, and all three values are known for at
-- least $enough per cent of planned time. The rules of time are told, by number, in factory_kit/kpi/timemodel.py.
-- Times are whole microseconds since 1970-01-01 UTC. Parameters: $start, $stop, $lookback, $silence, $enough.
WITH
production AS (
    SELECT equipment, key, ideal_cycle_s
    FROM equipment
    WHERE NOT regexp_matches(kind, 'meter|compressor|chiller|boiler|pump|transformer|utility|sensor|gateway')
),
subjects AS (
    SELECT equipment, ideal_cycle_s
    FROM production
    WHERE key OR NOT EXISTS (SELECT 1 FROM production AS other WHERE other.key)
),
asked AS (
    SELECT point, equipment, role, true AS timed
    FROM points
    WHERE role IN ('state', 'total_count', 'good_count') AND equipment IN (SELECT equipment FROM subjects)
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
said AS (
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
step AS (
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
segment AS (
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

machine AS (
    SELECT s.equipment, a.points,
           coalesce(a.roles = 3 AND s.ideal_cycle_s > 0, false) AS equipped,
           h.planned_us > 0 AND (h.planned_us - h.unknown_us) * 100 >= h.planned_us * $enough AS known
    FROM subjects AS s
    JOIN hours AS h USING (equipment)
    LEFT JOIN (
        SELECT equipment, list(point ORDER BY point) AS points, count(DISTINCT role) AS roles
        FROM asked
        GROUP BY equipment
    ) AS a USING (equipment)
),
answer AS (
    SELECT count(*) AS machines,
           count(*) FILTER (equipped AND known) AS computable,
           count(*) FILTER (equipped) AS equipped,
           coalesce(flatten(list(points ORDER BY equipment) FILTER (points IS NOT NULL)), []) AS points,
           coalesce(list(equipment ORDER BY equipment) FILTER (equipped AND known), []) AS computable_machines,
           coalesce(list(equipment ORDER BY equipment) FILTER (equipped AND NOT known), []) AS too_little_data,
           coalesce(list(equipment ORDER BY equipment) FILTER (NOT equipped), []) AS not_equipped
    FROM machine
)
SELECT 'plant' AS subject,
       CASE WHEN machines = 0 THEN 'the ledger names no production machine' END AS not_applicable,
       NULL AS inconclusive,
       computable AS numerator, machines AS denominator,
       computable AS lower_numerator, machines AS lower_denominator,
       equipped AS upper_numerator, machines AS upper_denominator,
       watched_us AS covered, $stop - $start AS coverable,
       machines AS ledger,
       points, EXISTS (SELECT 1 FROM production WHERE key) AS key_machines_only,
       computable_machines, too_little_data, not_equipped
FROM answer, watched
