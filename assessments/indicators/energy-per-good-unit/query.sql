-- Energy / good pieces, per meter and for the plant. The pieces are those that leave: of what a meter feeds, the machines for which
-- the ledger names a product; where it feeds one production machine only, that machine's. Pieces of different products do not add.
-- Of a rise over the beginning of the interval the part in proportion to time counts; for the bounds none or all of it. Energy that
-- nobody read counts at the meter's mean, and pieces that nobody counted at the ideal cycle. The plant adds the finest meters, as
-- idle-energy does. The rules of time and of counters are told in factory_kit/kpi/timemodel.py and counters.py.
-- Times are whole microseconds since 1970-01-01 UTC, energy and pieces in millionths ("micro").
-- Parameters: $start, $stop, $lookback, $silence; $jitter, $slack, $factor of counters of pieces; $jitter_kwh (millionths of a kWh) and
-- $largest_kw of meters.
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
production AS (
    SELECT equipment, product, CAST(ideal_cycle_s * 1000000 AS BIGINT) AS cycle_us
    FROM equipment
    WHERE NOT regexp_matches(kind, 'meter|compressor|chiller|boiler|pump|transformer|utility|sensor|gateway')
),
-- whose good pieces a meter's energy is divided by
finisher AS (
    SELECT meter, equipment, product, cycle_us, count(DISTINCT product) OVER (PARTITION BY meter) AS products
    FROM (
        SELECT f.meter, p.*, count(p.product) OVER (PARTITION BY f.meter) AS named, count(*) OVER (PARTITION BY f.meter) AS machines
        FROM (SELECT meter, equipment FROM fed UNION ALL SELECT 'plant', equipment FROM equipment) AS f
        JOIN production AS p USING (equipment)
    )
    WHERE product IS NOT NULL OR named = 0 AND machines = 1
),
asked AS (
    SELECT point, equipment, role, false AS timed FROM points WHERE point IN (SELECT point FROM metered)
    UNION ALL
    SELECT point, equipment, role, false
    FROM points
    WHERE role = 'good_count' AND equipment IN (SELECT equipment FROM finisher)
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

reading AS (
    SELECT m.equipment, 'active_energy' AS role, h.point, h.moment, TRY_CAST(round(h.value * m.micro) AS BIGINT) AS shown,
           3600 AS pace, $jitter_kwh AS jitter, 0 AS slack, $largest_kw AS factor, 0 AS modulus
    FROM heard AS h
    JOIN metered AS m USING (point)
    WHERE h.quality < 2 AND TRY_CAST(round(h.value * m.micro) AS BIGINT) IS NOT NULL
    UNION ALL
    -- no equipment: what is unseen is asked of meters alone
    SELECT NULL, 'good_count', h.point, h.moment, TRY_CAST(round(h.value) AS BIGINT), s.cycle_us, $jitter, $slack, $factor,
           CASE p.type WHEN 'uint16' THEN 65536 WHEN 'uint32' THEN 4294967296 WHEN 'bcd16' THEN 10000 WHEN 'bcd32' THEN 100000000 ELSE 0 END
    FROM heard AS h
    JOIN asked AS a USING (point)
    JOIN points AS p USING (point)
    JOIN production AS s ON s.equipment = a.equipment
    WHERE a.role = 'good_count' AND h.quality < 2 AND s.cycle_us > 0 AND TRY_CAST(round(h.value) AS BIGINT) IS NOT NULL
),
-- as the counting of the other indicators, with the rules of pieces and of energy side by side: what each counter added from reading to reading; factory_kit/kpi/counters.py tells the rules
compared AS (
    SELECT *, before IS NULL OR before - shown > jitter OR (shown = 0 AND before > 0) AS restarted
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
           slack + factor * elapsed // pace AS believable
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

-- of each register what was added inside the interval, and over its beginning: all of that, and the part in proportion to time
counted AS (
    SELECT point, equipment,
           coalesce(sum(amount) FILTER (moment - elapsed >= $start), 0) AS inside,
           coalesce(sum(amount) FILTER (moment - elapsed < $start), 0) AS over_the_start,
           coalesce(sum(CAST(amount AS HUGEINT) * scale * (moment - $start) // elapsed) FILTER (moment - elapsed < $start), 0) AS part_micro,
           any_value(scale) AS scale
    FROM (SELECT *, CASE role WHEN 'good_count' THEN 1000000 ELSE 1 END AS scale FROM added)
    WHERE moment > $start AND elapsed > 0
    GROUP BY point, equipment
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

consumed AS (
    SELECT m.equipment, m.points, m.meters, m.unknown_units,
           u.unseen_us,
           coalesce(c.inside, 0) AS least_micro, coalesce(c.inside + c.part_micro, 0) AS used_micro,
           coalesce(c.inside + c.over_the_start, 0)
               + CASE WHEN u.unseen_us < $stop - $start
                      THEN (CAST(coalesce(c.inside + c.over_the_start, 0) AS HUGEINT) * u.unseen_us + $stop - $start - u.unseen_us - 1)
                           // ($stop - $start - u.unseen_us)
                      ELSE 0 END AS most_micro
    FROM (
        SELECT equipment, list(point ORDER BY point) AS points, count(*) AS meters, count(*) FILTER (micro IS NULL) AS unknown_units, min(point) AS point
        FROM metered
        GROUP BY equipment
    ) AS m
    LEFT JOIN counted AS c USING (point)
    LEFT JOIN (SELECT equipment, max(unseen_us) AS unseen_us FROM unseen GROUP BY equipment) AS u ON u.equipment = m.equipment
),
complete AS (
    SELECT point, sum(least(until, $stop) - greatest(moment, $start)) AS known_us
    FROM certainty
    WHERE known AND until > $start AND moment < $stop
    GROUP BY point
),
made AS (
    SELECT s.equipment, s.cycle_us, a.points, coalesce(a.counters, 0) AS counters,
           coalesce(k.known_us, 0) AS known_us,
           coalesce(c.inside, 0) * 1000000 AS least_micro, coalesce(c.inside * 1000000 + c.part_micro, 0) AS good_micro,
           coalesce(c.inside + c.over_the_start, 0) * 1000000
               + (CAST($stop - $start - coalesce(k.known_us, 0) AS HUGEINT) * 1000000 + s.cycle_us - 1) // nullif(s.cycle_us, 0) AS most_micro
    FROM production AS s
    LEFT JOIN (
        SELECT equipment, list(point ORDER BY point) AS points, count(*) AS counters, min(point) AS point
        FROM asked
        WHERE role = 'good_count'
        GROUP BY equipment
    ) AS a USING (equipment)
    LEFT JOIN counted AS c ON c.point = a.point
    LEFT JOIN complete AS k ON k.point = a.point
),
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

taking AS (
    SELECT equipment AS subject, * FROM consumed
    UNION ALL
    SELECT 'plant', * FROM consumed WHERE equipment NOT IN (SELECT meter FROM left_out)
),
energy AS (
    SELECT subject, count(*) AS meters, flatten(list(points)) AS points,
           sum(least_micro) AS least_micro, sum(used_micro) AS used_micro, sum(most_micro) AS most_micro,
           sum($stop - $start - coalesce(unseen_us, $stop - $start)) AS seen_us,
           CASE WHEN max(meters) > 1 THEN 'several points measure the energy'
                WHEN max(unknown_units) > 0 THEN 'the unit of the energy is none of Wh, kWh, MWh' END AS inconclusive
    FROM taking
    GROUP BY subject
),
goods AS (
    SELECT f.meter AS subject, count(*) AS machines, list(f.equipment ORDER BY f.equipment) AS equipment,
           any_value(f.product ORDER BY f.product) AS product, max(f.products) AS products,
           flatten(list(m.points) FILTER (m.points IS NOT NULL)) AS points,
           sum(m.least_micro) AS least_micro, sum(m.good_micro) AS good_micro, sum(m.most_micro) AS most_micro, sum(m.known_us) AS known_us,
           CASE WHEN max(f.products) > 1 THEN 'pieces of several products cannot be added'
                WHEN min(m.counters) = 0 THEN 'no point counts good pieces'
                WHEN min(coalesce(m.cycle_us, 0)) <= 0 THEN 'the ledger gives no ideal cycle' END AS not_applicable,
           CASE WHEN max(m.counters) > 1 THEN 'several points count the same pieces' END AS inconclusive
    FROM finisher AS f
    JOIN made AS m USING (equipment)
    GROUP BY f.meter
),
answer AS (
    SELECT s.subject, coalesce(e.meters, 0) AS meters,
           CASE WHEN e.subject IS NULL THEN 'no equipment has a point that measures energy'
                WHEN g.subject IS NULL THEN 'the ledger does not say which machine finishes the product'
                ELSE g.not_applicable END AS not_applicable,
           coalesce(e.inconclusive, g.inconclusive) AS inconclusive,
           list_sort(list_concat(coalesce(e.points, []), coalesce(g.points, []))) AS points,
           e.used_micro, g.good_micro,
           e.least_micro AS least_kwh_micro, e.most_micro AS most_kwh_micro, g.least_micro AS least_good_micro, g.most_micro AS most_good_micro,
           e.seen_us + g.known_us AS covered, (e.meters + g.machines) * ($stop - $start) AS coverable,
           g.product, coalesce(g.equipment, []) AS finished_by
    FROM (SELECT 'plant' AS subject UNION SELECT subject FROM energy) AS s
    LEFT JOIN energy AS e USING (subject)
    LEFT JOIN goods AS g USING (subject)
)
SELECT subject, not_applicable, inconclusive,
       used_micro AS numerator, good_micro AS denominator,
       least_kwh_micro AS lower_numerator, most_good_micro AS lower_denominator,
       most_kwh_micro AS upper_numerator, least_good_micro AS upper_denominator,
       covered, coverable,
       (SELECT count(*) FROM equipment) AS ledger,
       points, meters, product, finished_by,
       CASE WHEN subject = 'plant' THEN (SELECT coalesce(list(meter ORDER BY meter), []) FROM left_out) END AS left_out,
       used_micro AS used_kwh_micro, good_micro AS good_pieces_micro,
       least_kwh_micro, most_kwh_micro, least_good_micro, most_good_micro
FROM answer
ORDER BY subject = 'plant' DESC, subject
