-- Energy taken while nothing was made / all energy, per metered equipment and for all of it.
-- Nothing is made where the machine tells a state other than producing or setup; equipment that tells no state makes nothing
-- outside planned time. Energy between two readings that lie on both sides, or over an unknown state, widens the bounds.
-- The rules of time and of counters are told in factory_kit/kpi/timemodel.py and counters.py, the oracles of this file.
-- Times are whole microseconds since 1970-01-01 UTC, energy is in millionths of a kWh ("micro").
-- Parameters: $start, $stop, $lookback, $silence, $jitter, $slack, $factor (largest believable load in kW), $pace.
WITH
metered AS (
    SELECT point, equipment, role,
           CASE lower(unit) WHEN 'wh' THEN 1000 WHEN 'kwh' THEN 1000000 WHEN 'mwh' THEN 1000000000 END AS micro
    FROM points
    WHERE role = 'active_energy'
),
subjects AS (
    SELECT equipment
    FROM equipment
    WHERE equipment IN (SELECT equipment FROM metered)
),
asked AS (
    SELECT point, equipment, role, role = 'state' AS timed
    FROM points
    WHERE role IN ('state', 'active_energy') AND equipment IN (SELECT equipment FROM subjects)
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

reading AS (
    SELECT a.equipment, a.role, h.point, h.moment, TRY_CAST(round(h.value * m.micro) AS BIGINT) AS shown, $pace AS pace, 0 AS modulus
    FROM heard AS h
    JOIN asked AS a USING (point)
    JOIN metered AS m USING (point)
    WHERE h.quality < 2 AND TRY_CAST(round(h.value * m.micro) AS BIGINT) IS NOT NULL
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
    SELECT *, max(shown) OVER (PARTITION BY point, era ORDER BY moment) AS highest
    FROM (SELECT *, count(*) FILTER (restarted) OVER (PARTITION BY point ORDER BY moment) AS era FROM compared)
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
                WHEN before < modulus AND modulus - before + shown <= believable THEN modulus - before + shown
                WHEN shown <= believable THEN greatest(shown, 0)
                ELSE 0 END AS amount
    FROM raised
),
-- end counting

stateful AS (
    SELECT DISTINCT equipment FROM asked WHERE timed
),
-- idle and busy time up to each moment, so that those parts of any stretch are differences
load AS (
    SELECT equipment, moment, class,
           coalesce(sum(CASE WHEN class = 'idle' THEN length ELSE 0 END) OVER w, 0) AS idle_until,
           coalesce(sum(CASE WHEN class = 'busy' THEN length ELSE 0 END) OVER w, 0) AS busy_until
    FROM (
        SELECT equipment, greatest(moment, $start) AS moment, length,
               CASE WHEN equipment NOT IN (SELECT equipment FROM stateful) THEN CASE WHEN planned THEN 'busy' ELSE 'idle' END
                    WHEN state = 'unknown' THEN 'unclear'
                    WHEN state IN ('producing', 'setup') THEN 'busy'
                    ELSE 'idle' END AS class
        FROM segment
    )
    WINDOW w AS (PARTITION BY equipment ORDER BY moment ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
placed AS (
    SELECT a.equipment, a.point, a.moment, a.elapsed, a.amount,
           l.idle_until + CASE WHEN l.class = 'idle' THEN a.moment - l.moment ELSE 0 END AS idle_until,
           l.busy_until + CASE WHEN l.class = 'busy' THEN a.moment - l.moment ELSE 0 END AS busy_until
    FROM added AS a
    ASOF LEFT JOIN load AS l ON l.equipment = a.equipment AND a.moment >= l.moment
),
parted AS (
    SELECT equipment, amount, elapsed,
           idle_until - coalesce(lag(idle_until) OVER w, 0) AS idle, busy_until - coalesce(lag(busy_until) OVER w, 0) AS busy,
           moment
    FROM placed
    WINDOW w AS (PARTITION BY point ORDER BY moment)
),
energy AS (
    SELECT equipment,
           sum(amount) FILTER (idle = elapsed) AS idle_micro,
           sum(amount) FILTER (busy = elapsed) AS busy_micro,
           sum(amount) AS all_micro
    FROM parted
    WHERE moment >= $start AND amount > 0
    GROUP BY equipment
),
consumer AS (
    SELECT s.equipment, a.points, f.profiles,
           coalesce(e.idle_micro, 0) AS idle_micro, coalesce(e.busy_micro, 0) AS busy_micro, coalesce(e.all_micro, 0) AS all_micro,
           CASE WHEN a.meters > 1 THEN 'several points measure the energy'
                WHEN a.states > 1 THEN 'several points tell the state'
                WHEN a.unknown_units > 0 THEN 'the unit of the energy is none of Wh, kWh, MWh' END AS inconclusive
    FROM subjects AS s
    LEFT JOIN energy AS e USING (equipment)
    LEFT JOIN profiles AS f USING (equipment)
    JOIN (
        SELECT asked.equipment, list(asked.point ORDER BY asked.point) AS points,
               count(*) FILTER (asked.role = 'active_energy') AS meters,
               count(*) FILTER (asked.role = 'state') AS states,
               count(*) FILTER (asked.role = 'active_energy' AND metered.micro IS NULL) AS unknown_units
        FROM asked
        LEFT JOIN metered ON metered.point = asked.point
        GROUP BY asked.equipment
    ) AS a USING (equipment)
),
answer AS (
    SELECT equipment AS subject, 1 AS meters, * EXCLUDE (equipment) FROM consumer
    UNION ALL BY NAME
    SELECT 'plant' AS subject, count(*) AS meters,
           coalesce(flatten(list(points ORDER BY equipment)), []) AS points,
           list_sort(list_distinct(flatten(list(profiles ORDER BY equipment)))) AS profiles,
           coalesce(sum(idle_micro), 0) AS idle_micro, coalesce(sum(busy_micro), 0) AS busy_micro, coalesce(sum(all_micro), 0) AS all_micro,
           NULL AS inconclusive
    FROM consumer
    WHERE inconclusive IS NULL
)
SELECT subject,
       CASE WHEN meters = 0 THEN 'no equipment has a point that measures energy' END AS not_applicable,
       inconclusive,
       idle_micro AS numerator, idle_micro + busy_micro AS denominator,
       idle_micro AS lower_numerator, all_micro AS lower_denominator,
       all_micro - busy_micro AS upper_numerator, all_micro AS upper_denominator,
       idle_micro + busy_micro AS covered, all_micro AS coverable,
       (SELECT count(*) FROM equipment) AS ledger,
       points, profiles, meters,
       idle_micro AS idle_kwh_micro, busy_micro AS busy_kwh_micro, all_micro - idle_micro - busy_micro AS unclear_kwh_micro, all_micro AS all_kwh_micro
FROM answer
ORDER BY subject = 'plant' DESC, subject
