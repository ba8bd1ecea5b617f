-- The sums of the KPIs as one writes them by hand for this data: the peer of benchmarks/kpi.py.
-- Runs are live with clocks that agree, counters fall only when they are reset, no bad sample lies in a gap, a machine is its own meter.
-- Tables given: sealed (the files), points(point, equipment, role, pace), runs(run, ended), gaps(point, start, stop), codes(raw, code),
-- planned(start, stop). Parameters by SET VARIABLE: start, stop, slack, factor, kw.
CREATE TEMP TABLE pulse AS
SELECT point, run, epoch_us(min(time)) AS opened, epoch_us(min(time) FILTER (quality < 2)) AS first, epoch_us(max(time) FILTER (quality < 2)) AS last
FROM sealed WHERE time < make_timestamp(getvariable('stop')) GROUP BY point, run;

CREATE TEMP TABLE edge AS
WITH bad AS (
    SELECT point, t, nxt FROM (
        SELECT s.point, epoch_us(s.time) AS t, s.quality, lead(epoch_us(s.time)) OVER (PARTITION BY s.point ORDER BY s.time) AS nxt
        FROM sealed AS s
        JOIN (
            SELECT DISTINCT point, h FROM (
                SELECT point, unnest([epoch_us(time) // 3600000000, epoch_us(time) // 3600000000 + 1]) AS h FROM sealed WHERE quality = 2
            )
        ) AS b ON b.point = s.point AND b.h = epoch_us(s.time) // 3600000000
        WHERE s.time < make_timestamp(getvariable('stop'))
    ) WHERE quality = 2
)
SELECT point, opened AS t, 1 AS watch, 0 AS doubt FROM pulse
UNION ALL SELECT point, ended, -1, 0 FROM pulse JOIN runs USING (run)
UNION ALL SELECT point, start, 0, 1 FROM gaps
UNION ALL SELECT point, stop, 0, -1 FROM gaps
UNION ALL SELECT point, t, 0, 1 FROM bad
UNION ALL SELECT point, coalesce(nxt, getvariable('stop')), 0, -1 FROM bad;

CREATE TEMP TABLE certain AS
SELECT *, coalesce(sum(CASE WHEN known THEN until - t ELSE 0 END) OVER (PARTITION BY point ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
FROM (
    SELECT point, t, lead(t, 1, getvariable('stop')) OVER w AS until, sum(sum(watch)) OVER w > 0 AND sum(sum(doubt)) OVER w = 0 AS known
    FROM edge GROUP BY point, t WINDOW w AS (PARTITION BY point ORDER BY t)
);

CREATE TEMP TABLE said AS
SELECT p.equipment, epoch_us(s.time) AS t, coalesce(c.code, 6) AS code
FROM sealed AS s JOIN points AS p USING (point) LEFT JOIN codes AS c ON c.raw = s.value
WHERE p.role = 'state' AND s.quality < 2 AND s.time < make_timestamp(getvariable('stop'));

CREATE TEMP MACRO timeline(roles) AS TABLE (
    SELECT equipment, t, until, CASE WHEN know = len(roles) THEN coalesce(code, 6) ELSE 6 END AS code, plan, until - t AS length
    FROM (
        SELECT equipment, t, lead(t) OVER w AS until, last_value(max(code) IGNORE NULLS) OVER w AS code, sum(sum(know)) OVER w AS know, sum(sum(plan)) OVER w > 0 AS plan
        FROM (
            SELECT equipment, t, code, 0 AS know, 0 AS plan FROM said
            UNION ALL SELECT equipment, t, NULL, 1, 0 FROM certain JOIN points USING (point) WHERE known AND role IN (SELECT unnest(roles))
            UNION ALL SELECT equipment, until, NULL, -1, 0 FROM certain JOIN points USING (point) WHERE known AND role IN (SELECT unnest(roles))
            UNION ALL SELECT DISTINCT equipment, start, NULL::INTEGER, 0, 1 FROM points, planned
            UNION ALL SELECT DISTINCT equipment, stop, NULL::INTEGER, 0, -1 FROM points, planned
            UNION ALL SELECT DISTINCT equipment, unnest([getvariable('start'), getvariable('stop')]), NULL::INTEGER, 0, 0 FROM points
        )
        GROUP BY equipment, t WINDOW w AS (PARTITION BY equipment ORDER BY t)
    )
    WHERE t >= getvariable('start') AND t < getvariable('stop')
);
CREATE TEMP TABLE line AS SELECT * FROM timeline(['state']);
CREATE TEMP TABLE narrow AS SELECT * FROM timeline(['state', 'total_count', 'good_count']);

CREATE TEMP TABLE added AS
SELECT point, start, t, amount FROM (
    SELECT point, pace, role, start, t, CASE WHEN shown >= before THEN shown - before ELSE shown END AS amount
    FROM (
        SELECT s.point, p.pace, p.role, epoch_us(s.time) AS t, lag(epoch_us(s.time)) OVER w AS start,
               CAST(round(s.value * CASE p.role WHEN 'active_energy' THEN 1000000 ELSE 1 END) AS BIGINT) AS shown, lag(shown) OVER w AS before
        FROM sealed AS s JOIN points AS p USING (point)
        WHERE p.role <> 'state' AND s.quality < 2 AND s.time < make_timestamp(getvariable('stop'))
        WINDOW w AS (PARTITION BY s.point ORDER BY s.time)
    )
    WHERE before IS NOT NULL AND (shown <> before OR role = 'active_energy' AND t - start > 900000000) AND t >= getvariable('start')
)
WHERE amount <= CASE role WHEN 'active_energy' THEN getvariable('kw') * (t - start) // 3600 ELSE getvariable('slack') + getvariable('factor') * (t - start) // pace END;

CREATE TEMP TABLE pieces AS
SELECT p.equipment, p.role, sum(1000000 * a.amount - 1000000 * a.amount::HUGEINT * (a.t - a.start - a.seen) // (a.t - a.start)) AS micro
FROM (
    SELECT a.*, b.before + CASE WHEN b.known THEN a.t - b.t ELSE 0 END - (c.before + CASE WHEN c.known THEN a.start - c.t ELSE 0 END) AS seen
    FROM added AS a
    JOIN points AS p ON p.point = a.point AND p.role <> 'active_energy'
    ASOF JOIN certain AS b ON b.point = a.point AND a.t >= b.t
    ASOF JOIN certain AS c ON c.point = a.point AND a.start >= c.t
) AS a
JOIN points AS p USING (point)
ASOF JOIN narrow AS n ON n.equipment = p.equipment AND a.t >= n.t
WHERE n.plan AND n.code <> 6
GROUP BY p.equipment, p.role;

CREATE TEMP TABLE load AS
SELECT *, coalesce(sum(CASE WHEN busy THEN length ELSE 0 END) OVER w, 0) AS busy_before, coalesce(sum(CASE WHEN idle THEN length ELSE 0 END) OVER w, 0) AS idle_before
FROM (SELECT equipment, t, length, code IN (0, 1) AS busy, code NOT IN (0, 1, 6) AS idle FROM line)
WINDOW w AS (PARTITION BY equipment ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

CREATE TEMP TABLE energy AS
SELECT equipment, sum(amount * idle // elapsed) AS idle,
       sum(CASE WHEN idle + busy = elapsed THEN amount - amount * idle // elapsed ELSE amount * busy // elapsed END) AS busy, sum(amount) AS whole,
       coalesce(sum(amount) FILTER (idle = elapsed), 0) AS surely_idle, coalesce(sum(amount) FILTER (busy = elapsed), 0) AS surely_busy
FROM (
    SELECT p.equipment, a.amount::HUGEINT AS amount, a.t - a.start AS elapsed,
           b.busy_before + CASE WHEN b.busy THEN a.t - b.t ELSE 0 END - coalesce(c.busy_before + CASE WHEN c.busy THEN a.start - c.t ELSE 0 END, 0) AS busy,
           b.idle_before + CASE WHEN b.idle THEN a.t - b.t ELSE 0 END - coalesce(c.idle_before + CASE WHEN c.idle THEN a.start - c.t ELSE 0 END, 0) AS idle
    FROM added AS a
    JOIN points AS p ON p.point = a.point AND p.role = 'active_energy'
    ASOF JOIN load AS b ON b.equipment = p.equipment AND a.t >= b.t
    ASOF LEFT JOIN load AS c ON c.equipment = p.equipment AND a.start >= c.t
)
GROUP BY equipment;

CREATE TEMP TABLE failures AS
SELECT equipment, count(*) FILTER (code = 3 AND before IS DISTINCT FROM 3) AS failures
FROM (SELECT equipment, code, lag(code) OVER (PARTITION BY equipment ORDER BY t) AS before FROM line WHERE plan AND code <> 6)
GROUP BY equipment;

CREATE TEMP TABLE peak AS
WITH
rise AS (
    SELECT p.equipment, a.start, a.t, a.amount, coalesce(sum(a.amount) OVER (PARTITION BY a.point ORDER BY a.t ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM added AS a JOIN points AS p ON p.point = a.point AND p.role = 'active_energy'
),
border AS (
    SELECT equipment, unnest(generate_series(getvariable('start'), getvariable('stop'), 900000000)) AS e FROM (SELECT DISTINCT equipment FROM points)
),
level AS (
    SELECT b.equipment, b.e, coalesce(r.before + r.amount * least(1.0, (b.e - r.start) / (r.t - r.start)), 0) AS level
    FROM border AS b ASOF LEFT JOIN rise AS r ON r.equipment = b.equipment AND b.e >= r.start
),
block AS (
    SELECT equipment, e, lead(e) OVER w AS until, (lead(level) OVER w - level) / 1e6 * 4 AS kw FROM level WINDOW w AS (PARTITION BY equipment ORDER BY e)
),
span AS (
    SELECT p.equipment, min(u.first) AS first, max(u.last) AS last FROM pulse AS u JOIN points AS p USING (point) WHERE p.role = 'active_energy' GROUP BY p.equipment
)
SELECT equipment, max(kw) AS peak
FROM block JOIN span USING (equipment)
WHERE e >= first AND until <= last
  AND NOT EXISTS (SELECT 1 FROM rise AS r WHERE r.equipment = block.equipment AND r.t - r.start > 900000000 AND r.t > block.e AND r.start < block.until)
GROUP BY equipment;
