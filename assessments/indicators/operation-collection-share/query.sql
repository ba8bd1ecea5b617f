-- Operations of the main process of which a machine delivered a good value in the interval / operations the site lists.
-- Parameters: $start, $stop, $lookback, $silence. Times are whole microseconds since 1970-01-01 UTC.
WITH
doing AS (
    SELECT operation, unnest(equipment) AS equipment FROM operations
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

delivering AS (
    SELECT p.equipment, list(p.point ORDER BY p.point) AS points
    FROM points AS p
    WHERE p.point IN (
        SELECT point FROM samples
        WHERE quality = 0 AND time >= make_timestamp($start) AND time < make_timestamp($stop)
    )
    GROUP BY p.equipment
),
operation AS (
    SELECT o.operation, d.points, d.points IS NOT NULL AS collected, coalesce(d.readable, false) AS readable
    FROM operations AS o
    LEFT JOIN (
        SELECT m.operation, flatten(list(v.points ORDER BY m.equipment) FILTER (v.points IS NOT NULL)) AS points, bool_or(e.connected) AS readable
        FROM doing AS m
        JOIN equipment AS e USING (equipment)
        LEFT JOIN delivering AS v USING (equipment)
        GROUP BY m.operation
    ) AS d USING (operation)
),
answer AS (
    SELECT count(*) AS operations,
           count(*) FILTER (collected) AS collected,
           count(*) FILTER (readable AND NOT collected) AS silent,
           coalesce(list_sort(list_distinct(flatten(list(points) FILTER (collected)))), []) AS points,
           coalesce(list(operation ORDER BY operation) FILTER (collected), []) AS collected_operations,
           coalesce(list(operation ORDER BY operation) FILTER (NOT collected), []) AS not_collected
    FROM operation
)
SELECT 'plant' AS subject,
       CASE WHEN operations = 0 THEN 'the site lists no operations' END AS not_applicable,
       NULL AS inconclusive,
       collected AS numerator, operations AS denominator,
       collected AS lower_numerator, operations AS lower_denominator,
       -- a machine that should answer may have done so while no run watched
       collected + CASE WHEN watched_us < $stop - $start THEN silent ELSE 0 END AS upper_numerator, operations AS upper_denominator,
       watched_us AS covered, $stop - $start AS coverable,
       operations AS ledger,
       points, collected_operations, not_collected
FROM answer, watched
