-- Energy taken while nothing was made / all energy, per meter and for the plant.
-- Whose work decides: what the meter feeds by the ledger, or the metered equipment itself. Equipment that tells its state works
-- while it produces or is set up; equipment that tells none works in planned time. A meter is busy while anything it feeds
-- works, unclear while that is unknown, idle else. Energy between two readings is split in proportion to time; for the bounds
-- only energy counts of which all time is idle, or all busy. Time that no reading reaches (before the first, and after the last
-- once that is no longer known) took what the meter took on average, and that is unclear. The plant counts the finest meters: one whose whole extent finer
-- ones measure is left out, and so is one inside a meter that counts.
-- The rules of time and of counters are told in factory_kit/kpi/timemodel.py and counters.py, the oracles of this file.
-- Times are whole microseconds since 1970-01-01 UTC, energy is in millionths of a kWh ("micro").
-- Parameters: $start, $stop, $lookback, $silence, $jitter, $slack, $factor (largest believable load in kW), $pace.
WITH
metered AS (
    SELECT point, equipment,
           CASE lower(unit) WHEN 'wh' THEN 1000 WHEN 'kwh' THEN 1000000 WHEN 'mwh' THEN 1000000000 END AS micro
    FROM points
    WHERE role = 'active_energy' AND equipment IN (SELECT equipment FROM equipment)
),
feeding AS (
    SELECT e.equipment AS meter, unnest(e.feeds) AS equipment
    FROM equipment AS e
    WHERE e.equipment IN (SELECT equipment FROM metered)
),
fed AS (
    SELECT DISTINCT meter, equipment FROM feeding WHERE equipment IN (SELECT equipment FROM equipment)
    UNION ALL
    SELECT DISTINCT equipment, equipment FROM metered WHERE equipment NOT IN (SELECT meter FROM feeding)
),
subjects AS (
    SELECT DISTINCT equipment FROM fed
),
asked AS (
    SELECT point, equipment, role, role = 'state' AS timed
    FROM points
    WHERE role = 'state' AND equipment IN (SELECT equipment FROM subjects) OR point IN (SELECT point FROM metered)
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
    SELECT m.equipment, 'active_energy' AS role, h.point, h.moment, TRY_CAST(round(h.value * m.micro) AS BIGINT) AS shown,
           $pace AS pace, 0 AS modulus
    FROM heard AS h
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

work AS (
    SELECT g.equipment, greatest(g.moment, $start) AS moment, least(g.until, $stop) AS until,
           CASE WHEN a.equipment IS NULL THEN g.planned ELSE g.state IN ('producing', 'setup') END AS busy,
           a.equipment IS NOT NULL AND g.state = 'unknown' AS unclear
    FROM segment AS g
    LEFT JOIN (SELECT DISTINCT equipment FROM asked WHERE timed) AS a USING (equipment)
),
beat AS (
    SELECT f.meter, w.moment, CAST(w.busy AS INTEGER) AS busy, CAST(w.unclear AS INTEGER) AS unclear
    FROM fed AS f
    JOIN work AS w USING (equipment)
    UNION ALL
    SELECT f.meter, w.until, -CAST(w.busy AS INTEGER), -CAST(w.unclear AS INTEGER)
    FROM fed AS f
    JOIN work AS w USING (equipment)
),
-- idle and busy time up to each moment, so that those parts of any stretch are differences
load AS (
    SELECT meter, moment, class,
           coalesce(sum(CASE WHEN class = 'idle' THEN until - moment ELSE 0 END) OVER w, 0) AS idle_until,
           coalesce(sum(CASE WHEN class = 'busy' THEN until - moment ELSE 0 END) OVER w, 0) AS busy_until
    FROM (
        SELECT meter, moment, lead(moment) OVER v AS until,
               CASE WHEN sum(sum(busy)) OVER v > 0 THEN 'busy'
                    WHEN sum(sum(unclear)) OVER v > 0 THEN 'unclear'
                    ELSE 'idle' END AS class
        FROM beat
        GROUP BY meter, moment
        WINDOW v AS (PARTITION BY meter ORDER BY moment)
    )
    WHERE until IS NOT NULL
    WINDOW w AS (PARTITION BY meter ORDER BY moment ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
placed AS (
    SELECT a.equipment, a.point, a.moment, a.elapsed, a.amount,
           l.idle_until + CASE WHEN l.class = 'idle' THEN a.moment - l.moment ELSE 0 END AS idle_until,
           l.busy_until + CASE WHEN l.class = 'busy' THEN a.moment - l.moment ELSE 0 END AS busy_until
    FROM added AS a
    ASOF LEFT JOIN load AS l ON l.meter = a.equipment AND a.moment >= l.moment
),
timed AS (
    SELECT equipment, amount, elapsed, moment,
           idle_until - coalesce(lag(idle_until) OVER w, 0) AS idle, busy_until - coalesce(lag(busy_until) OVER w, 0) AS busy
    FROM placed
    WINDOW w AS (PARTITION BY point ORDER BY moment)
),
split AS (
    SELECT *, CASE WHEN idle + busy = elapsed THEN amount - idle_part ELSE CAST(amount AS HUGEINT) * busy // elapsed END AS busy_part
    FROM (SELECT *, CAST(amount AS HUGEINT) * idle // elapsed AS idle_part FROM timed WHERE moment >= $start AND amount > 0)
),
energy AS (
    SELECT equipment,
           sum(idle_part) AS idle_micro, sum(busy_part) AS busy_micro, sum(amount) AS all_micro,
           sum(amount) FILTER (idle = elapsed) AS surely_idle_micro, sum(amount) FILTER (busy = elapsed) AS surely_busy_micro
    FROM split
    GROUP BY equipment
),
-- begin unseen: time that no two readings enclose and in which the register was not known to stand still
enclosed AS (
    SELECT point, equipment, greatest(min(moment), $start) AS opened, greatest(max(moment), $start) AS closed
    FROM reading
    GROUP BY point, equipment
),
unseen AS (
    SELECT e.equipment,
           $stop - $start - (e.closed - e.opened) - coalesce(sum(
               greatest(0, least(c.until, e.opened) - greatest(c.moment, $start)) + greatest(0, least(c.until, $stop) - greatest(c.moment, e.closed))
           ) FILTER (c.known), 0) AS unseen_us
    FROM enclosed AS e
    LEFT JOIN certainty AS c ON c.point = e.point AND c.known AND c.until > $start AND c.moment < $stop
    GROUP BY e.equipment, e.point, e.opened, e.closed
),
-- end unseen
-- begin extents: what each meter measures, and which meters lie wholly inside others
extent AS (
    SELECT meter, equipment, count(*) OVER (PARTITION BY meter) AS size FROM fed
),
inside AS (
    SELECT a.meter AS finer, b.meter AS coarser, a.size < b.size AS smaller
    FROM extent AS a
    JOIN extent AS b ON b.equipment = a.equipment AND b.meter <> a.meter
    GROUP BY a.meter, b.meter, a.size, b.size
    HAVING count(*) = a.size
),
covered AS (
    SELECT e.meter
    FROM extent AS e
    LEFT JOIN (
        SELECT DISTINCT i.coarser, x.equipment
        FROM inside AS i
        JOIN extent AS x ON x.meter = i.finer
        WHERE i.smaller
    ) AS c ON c.coarser = e.meter AND c.equipment = e.equipment
    GROUP BY e.meter
    HAVING count(c.equipment) = count(*)
    UNION
    SELECT coarser FROM inside WHERE NOT smaller AND finer < coarser
),
left_out AS (
    SELECT meter FROM covered
    UNION
    SELECT finer FROM inside WHERE smaller AND coarser NOT IN (SELECT meter FROM covered)
),
-- end extents
consumer AS (
    SELECT m.equipment, m.points, f.profiles, coalesce(u.unseen_us, $stop - $start) AS unseen_us,
           -- rounded up, for // cuts off; a meter of which nothing was seen has no mean
           CASE WHEN u.unseen_us < $stop - $start
                THEN (CAST(coalesce(e.all_micro, 0) AS HUGEINT) * u.unseen_us + $stop - $start - u.unseen_us - 1) // ($stop - $start - u.unseen_us)
                ELSE 0 END AS unseen_micro,
           coalesce(e.idle_micro, 0) AS idle_micro, coalesce(e.busy_micro, 0) AS busy_micro, coalesce(e.all_micro, 0) AS all_micro,
           coalesce(e.surely_idle_micro, 0) AS surely_idle_micro, coalesce(e.surely_busy_micro, 0) AS surely_busy_micro,
           m.equipment IN (SELECT meter FROM left_out) AS left_out,
           CASE WHEN m.meters > 1 THEN 'several points measure the energy'
                WHEN m.states_of_one > 1 THEN 'several points tell the state'
                WHEN m.unknown_units > 0 THEN 'the unit of the energy is none of Wh, kWh, MWh' END AS inconclusive
    FROM (
        SELECT u.equipment, list_sort(list_concat(u.points, coalesce(t.points, []))) AS points, u.meters, u.unknown_units, t.states_of_one
        FROM (
            SELECT equipment, list(point) AS points, count(*) AS meters, count(*) FILTER (micro IS NULL) AS unknown_units
            FROM metered
            GROUP BY equipment
        ) AS u
        LEFT JOIN (
            SELECT meter, flatten(list(points)) AS points, max(len(points)) AS states_of_one
            FROM fed
            JOIN (SELECT equipment, list(point) AS points FROM asked WHERE timed GROUP BY equipment) USING (equipment)
            GROUP BY meter
        ) AS t ON t.meter = u.equipment
    ) AS m
    LEFT JOIN energy AS e USING (equipment)
    LEFT JOIN (SELECT equipment, max(unseen_us) AS unseen_us FROM unseen GROUP BY equipment) AS u USING (equipment)
    LEFT JOIN (
        SELECT meter AS equipment, list_sort(list_distinct(flatten(list(profiles)))) AS profiles
        FROM fed
        JOIN profiles USING (equipment)
        GROUP BY meter
    ) AS f USING (equipment)
),
answer AS (
    SELECT equipment AS subject, 1 AS meters, * EXCLUDE (equipment, left_out) FROM consumer
    UNION ALL BY NAME
    SELECT 'plant' AS subject, count(*) AS meters,
           coalesce(list_sort(list_distinct(flatten(list(points)))), []) AS points,
           list_sort(list_distinct(flatten(list(profiles)))) AS profiles,
           CAST(NULL AS BIGINT) AS unseen_us, coalesce(sum(unseen_micro), 0) AS unseen_micro,
           coalesce(sum(idle_micro), 0) AS idle_micro, coalesce(sum(busy_micro), 0) AS busy_micro, coalesce(sum(all_micro), 0) AS all_micro,
           coalesce(sum(surely_idle_micro), 0) AS surely_idle_micro, coalesce(sum(surely_busy_micro), 0) AS surely_busy_micro,
           NULL AS inconclusive
    FROM consumer
    WHERE inconclusive IS NULL AND NOT left_out
)
SELECT subject,
       CASE WHEN meters = 0 THEN 'no equipment has a point that measures energy' END AS not_applicable,
       inconclusive,
       idle_micro AS numerator, idle_micro + busy_micro AS denominator,
       surely_idle_micro AS lower_numerator, all_micro + unseen_micro AS lower_denominator,
       all_micro + unseen_micro - surely_busy_micro AS upper_numerator, all_micro + unseen_micro AS upper_denominator,
       idle_micro + busy_micro AS covered, all_micro + unseen_micro AS coverable,
       (SELECT count(*) FROM equipment) AS ledger,
       points, profiles, meters,
       CASE WHEN subject = 'plant' THEN (SELECT coalesce(list(equipment ORDER BY equipment), []) FROM consumer WHERE left_out OR consumer.inconclusive IS NOT NULL) END AS left_out,
       idle_micro AS idle_kwh_micro, busy_micro AS busy_kwh_micro,
       surely_idle_micro AS surely_idle_kwh_micro, surely_busy_micro AS surely_busy_kwh_micro,
       all_micro - idle_micro - busy_micro AS unclear_kwh_micro, all_micro AS all_kwh_micro,
       unseen_micro AS unseen_kwh_micro, unseen_us
FROM answer
ORDER BY subject = 'plant' DESC, subject
