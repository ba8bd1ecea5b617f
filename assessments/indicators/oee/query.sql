-- OEE of ISO 22400-2: planned run time per item x good quantity / planned busy time, per machine and for the plant.
-- The rules of time and of counters are told in factory_kit/kpi/timemodel.py and counters.py, the oracles of this file.
-- Times are whole microseconds since 1970-01-01 UTC, pieces whole or in millionths ("micro").
-- Parameters: $start, $stop, $lookback, $silence, $jitter, $slack, $factor.
WITH
subjects AS (
    SELECT equipment, CAST(ideal_cycle_s * 1000000 AS BIGINT) AS cycle_us
    FROM equipment
    WHERE NOT regexp_matches(kind, 'meter|compressor|chiller|boiler|pump|transformer|utility|sensor|gateway')
),
asked AS (
    SELECT point, equipment, role, true AS timed
    FROM points
    WHERE role IN ('state', 'total_count', 'good_count') AND equipment IN (SELECT equipment FROM subjects)
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

reading AS (
    SELECT a.equipment, a.role, h.point, h.moment, TRY_CAST(round(h.value) AS BIGINT) AS shown, s.cycle_us AS pace,
           CASE p.type WHEN 'uint16' THEN 65536 WHEN 'uint32' THEN 4294967296 WHEN 'bcd16' THEN 10000 WHEN 'bcd32' THEN 100000000 ELSE 0 END AS modulus
    FROM heard AS h
    JOIN asked AS a USING (point)
    JOIN points AS p USING (point)
    JOIN subjects AS s ON s.equipment = a.equipment
    WHERE a.role IN ('total_count', 'good_count') AND h.quality < 2 AND s.cycle_us > 0
      AND TRY_CAST(round(h.value) AS BIGINT) IS NOT NULL
),
-- begin counting: what each counter added from reading to reading; factory_kit/kpi/counters.py tells the rules
compared AS (
    SELECT *, before IS NULL OR before - shown > $jitter OR (shown = 0 AND before > 0) AS restarted
    FROM (
        SELECT *, lag(shown) OVER w AS before, moment - lag(moment) OVER w AS elapsed
        FROM reading
        WINDOW w AS (PARTITION BY point ORDER BY moment)
    )
),
heaped AS (
    SELECT *, max(shown) OVER (PARTITION BY point, era ORDER BY moment ROWS UNBOUNDED PRECEDING) AS highest
    FROM (SELECT *, sum(CAST(restarted AS INTEGER)) OVER (PARTITION BY point ORDER BY moment ROWS UNBOUNDED PRECEDING) AS era FROM compared)
),
raised AS (
    SELECT *, highest - lag(highest) OVER (PARTITION BY point, era ORDER BY moment) AS above,
           $slack + $factor * elapsed // pace AS believable
    FROM heaped
),
added AS (
    SELECT point, equipment, role, moment, elapsed,
           CASE WHEN before IS NULL THEN 0
                WHEN NOT restarted THEN CASE WHEN above <= believable THEN above ELSE 0 END
                WHEN shown >= 0 AND before < modulus AND modulus - before + shown <= believable THEN modulus - before + shown
                WHEN shown <= believable THEN greatest(shown, 0)
                ELSE 0 END AS amount
    FROM raised
),
-- end counting

-- a rise over partly unknown time is split in proportion to time; what was added while the machine was unknown is kept apart
seen AS (
    SELECT point, moment, until, known,
           coalesce(sum(CASE WHEN known THEN until - moment ELSE 0 END) OVER (
               PARTITION BY point ORDER BY moment ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           ), 0) AS seen_us
    FROM certainty
),
placed AS (
    SELECT a.*, coalesce(s.seen_us + CASE WHEN s.known THEN a.moment - s.moment ELSE 0 END, 0) AS seen_until
    FROM added AS a
    ASOF LEFT JOIN seen AS s ON s.point = a.point AND a.moment >= s.moment
),
parted AS (
    SELECT *,
           1000000 * CAST(amount AS HUGEINT)
               - CASE WHEN amount > 0 THEN 1000000 * CAST(amount AS HUGEINT) * (elapsed - (seen_until - before)) // elapsed ELSE 0 END AS micro
    FROM (SELECT *, lag(seen_until) OVER (PARTITION BY point ORDER BY moment) AS before FROM placed)
),
pieces AS (
    SELECT p.equipment,
           coalesce(sum(p.micro) FILTER (p.role = 'total_count' AND g.planned AND g.state <> 'unknown'), 0) AS total_micro,
           coalesce(sum(p.micro) FILTER (p.role = 'good_count' AND g.planned AND g.state <> 'unknown'), 0) AS good_micro,
           coalesce(sum(p.amount) FILTER (p.role = 'total_count' AND g.planned), 0) AS total_counted,
           coalesce(sum(p.amount) FILTER (p.role = 'good_count' AND g.planned), 0) AS good_counted,
           coalesce(sum(p.amount) FILTER (p.role = 'total_count' AND NOT g.planned), 0) AS total_unplanned
    FROM parted AS p
    ASOF JOIN segment AS g ON g.equipment = p.equipment AND p.moment >= g.moment
    WHERE p.moment >= $start AND p.amount > 0
    GROUP BY p.equipment
),
machine AS (
    SELECT s.equipment, h.* EXCLUDE (equipment), s.cycle_us, a.points, f.profiles,
           coalesce(c.total_micro, 0) AS total_micro, coalesce(c.good_micro, 0) AS good_micro,
           coalesce(c.total_counted, 0) AS total_counted, coalesce(c.good_counted, 0) AS good_counted,
           coalesce(c.total_unplanned, 0) AS total_unplanned,
           CASE WHEN coalesce(a.states, 0) = 0 THEN 'no point tells the state'
                WHEN a.totals = 0 THEN 'no point counts pieces'
                WHEN a.goods = 0 THEN 'no point counts good pieces'
                WHEN coalesce(s.cycle_us, 0) <= 0 THEN 'the ledger gives no ideal cycle' END AS not_applicable,
           CASE WHEN a.states > 1 THEN 'several points tell the state'
                WHEN a.totals > 1 OR a.goods > 1 THEN 'several points count the same pieces' END AS doubled
    FROM subjects AS s
    JOIN hours AS h USING (equipment)
    LEFT JOIN (
        SELECT equipment, list(point ORDER BY point) AS points,
               count(*) FILTER (role = 'state') AS states,
               count(*) FILTER (role = 'total_count') AS totals,
               count(*) FILTER (role = 'good_count') AS goods
        FROM asked
        GROUP BY equipment
    ) AS a USING (equipment)
    LEFT JOIN profiles AS f USING (equipment)
    LEFT JOIN pieces AS c USING (equipment)
),
judged AS (
    SELECT * EXCLUDE (doubled),
           CAST(cycle_us AS HUGEINT) * total_micro AS ideal_total_us_micro,
           CAST(cycle_us AS HUGEINT) * good_micro AS ideal_good_us_micro,
           -- one piece may have been begun before its time was counted
           CASE WHEN doubled IS NOT NULL THEN doubled
                WHEN total_micro > 1000000 AND producing_us = 0 THEN 'pieces were counted while the machine never produced'
                WHEN CAST(cycle_us AS HUGEINT) * (total_micro - 1000000) > CAST(producing_us AS HUGEINT) * 1000000
                    THEN 'effectiveness is above 1, so the ideal cycle is wrong'
                WHEN good_micro > total_micro + 1000000 THEN 'more good pieces than pieces were counted' END AS inconclusive
    FROM machine
),
answer AS (
    SELECT equipment AS subject, 1 AS machines, * EXCLUDE (equipment) FROM judged
    UNION ALL BY NAME
    SELECT 'plant' AS subject, count(*) AS machines,
           coalesce(sum(planned_us), 0) AS planned_us, coalesce(sum(producing_us), 0) AS producing_us,
           coalesce(sum(setup_us), 0) AS setup_us, coalesce(sum(idle_us), 0) AS idle_us,
           coalesce(sum(down_us), 0) AS down_us, coalesce(sum(maintenance_us), 0) AS maintenance_us,
           coalesce(sum(off_us), 0) AS off_us, coalesce(sum(unknown_us), 0) AS unknown_us,
           coalesce(sum(total_micro), 0) AS total_micro, coalesce(sum(good_micro), 0) AS good_micro,
           coalesce(sum(total_counted), 0) AS total_counted, coalesce(sum(good_counted), 0) AS good_counted,
           coalesce(sum(total_unplanned), 0) AS total_unplanned,
           coalesce(sum(ideal_total_us_micro), 0) AS ideal_total_us_micro,
           coalesce(sum(ideal_good_us_micro), 0) AS ideal_good_us_micro,
           flatten(list(points ORDER BY equipment)) AS points,
           list_sort(list_distinct(flatten(list(profiles ORDER BY equipment)))) AS profiles,
           CASE WHEN count(*) = 0 THEN 'no machine gives figures from which OEE can be computed' END AS not_applicable
    FROM judged
    WHERE not_applicable IS NULL AND inconclusive IS NULL
)
SELECT subject, not_applicable, inconclusive,
       ideal_good_us_micro AS numerator, (planned_us - unknown_us) * 1000000 AS denominator,
       ideal_good_us_micro AS lower_numerator, planned_us * 1000000 AS lower_denominator,
       ideal_good_us_micro + unknown_us * 1000000 AS upper_numerator, planned_us * 1000000 AS upper_denominator,
       planned_us - unknown_us AS covered, planned_us AS coverable,
       (SELECT count(*) FROM subjects) AS ledger,
       points, profiles, machines,
       CASE WHEN subject = 'plant' THEN (SELECT coalesce(list(equipment ORDER BY equipment), []) FROM judged WHERE judged.inconclusive IS NOT NULL) END AS left_out,
       cycle_us, planned_us, producing_us, setup_us, idle_us, down_us, maintenance_us, off_us, unknown_us,
       total_micro, good_micro, total_counted, good_counted, total_unplanned, ideal_total_us_micro, ideal_good_us_micro
FROM answer
ORDER BY subject = 'plant' DESC, subject
