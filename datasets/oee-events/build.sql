-- One row per unbroken stretch in one state. Views: samples, points, states, gaps, runs; tables given by the builder: asked, pseudonyms, stop_reasons.
-- A state holds until the next value of its point, and no longer than its collection ran: a gap, a bad value and the end of a run are unknown.
-- What is shown at the beginning was seen up to a day before. Parts belong to the stretch in which the counter grew.
WITH seen AS (
    SELECT p.point, p.equipment, s.time, s.run, CASE WHEN s.quality = 0 THEN coalesce(st.state, 'unknown') ELSE 'unknown' END AS state, 1 AS first
    FROM samples s JOIN points p USING (point)
    LEFT JOIN states st ON st.connector = p.connector AND st.connector_version = p.connector_version
                       AND st.raw = coalesce(s.text, CAST(TRY_CAST(s.value AS BIGINT) AS VARCHAR)), asked a
    WHERE p.role = 'state' AND s.time >= a.begins - INTERVAL 1 DAY AND s.time < a.ends
),
known AS (
    SELECT equipment, time, state, first FROM seen
    UNION ALL
    SELECT p.equipment, g.start, 'unknown', 0 FROM gaps g JOIN points p USING (point), asked a
    WHERE p.role = 'state' AND g.start >= a.begins - INTERVAL 1 DAY AND g.start < a.ends
    UNION ALL
    SELECT DISTINCT s.equipment, r.ended, 'unknown', 0 FROM seen s JOIN runs r ON r.run = s.run, asked a
    WHERE r.ended >= a.begins - INTERVAL 1 DAY AND r.ended < a.ends AND r.ended > s.time
),
changed AS (
    SELECT equipment, time, state FROM (
        SELECT equipment, time, state, lag(state) OVER (PARTITION BY equipment ORDER BY time) AS before
        FROM (SELECT equipment, time, arg_max(state, first) AS state FROM known GROUP BY equipment, time)
    ) WHERE before IS DISTINCT FROM state
),
stretches AS (
    SELECT * FROM (
        SELECT c.equipment, c.time AS began, greatest(c.time, a.begins) AS start,
               least(coalesce(lead(c.time) OVER (PARTITION BY c.equipment ORDER BY c.time), a.ends), a.ends) AS "end", c.state
        FROM changed c, asked a
    ) WHERE "end" > start
),
counted AS (
    SELECT equipment, role, time, value, lag(value) OVER (PARTITION BY point ORDER BY time) AS before
    FROM (
        SELECT p.point, p.equipment, p.role, s.time, CAST(s.value AS BIGINT) AS value FROM samples s JOIN points p USING (point), asked a
        WHERE p.role IN ('total_count', 'good_count') AND s.quality = 0 AND s.value IS NOT NULL
          AND s.time >= a.begins - INTERVAL 1 HOUR AND s.time < a.ends
    )
),
grown AS (
    SELECT g.equipment, t.start,
           sum(CASE WHEN g.value < g.before THEN g.value ELSE g.value - g.before END) FILTER (g.role = 'total_count') AS parts,
           sum(CASE WHEN g.value < g.before THEN g.value ELSE g.value - g.before END) FILTER (g.role = 'good_count') AS good_parts
    FROM counted g ASOF JOIN stretches t ON g.equipment = t.equipment AND g.time >= t.start
    WHERE g.before IS NOT NULL AND g.time < t."end" GROUP BY g.equipment, t.start
),
near AS (
    SELECT t.equipment, t.start, r.reason, abs(epoch_us(r.started_at) - epoch_us(t.began)) AS away,
           min(abs(epoch_us(r.started_at) - epoch_us(t.began))) OVER (PARTITION BY r.machine, r.started_at, r.reason) AS nearest
    FROM stop_reasons r JOIN stretches t
      ON t.equipment = r.machine AND t.began >= r.started_at - INTERVAL 60 SECOND AND t.began <= r.started_at + INTERVAL 60 SECOND
    WHERE t.state IN ('down', 'idle', 'maintenance')
),
noted AS (
    SELECT equipment, start, arg_min(reason, away) AS reason FROM near WHERE away = nearest GROUP BY equipment, start
),
counters AS (
    SELECT equipment, bool_or(role = 'total_count') AS total, bool_or(role = 'good_count') AS good FROM points GROUP BY equipment
)
SELECT t.start, n.pseudonym AS machine, t."end", CAST(epoch_us(t."end") - epoch_us(t.start) AS DECIMAL(20, 0)) / 1000000 AS duration_s, t.state,
       CASE t.state WHEN 'producing' THEN 'APT' WHEN 'setup' THEN 'AUST' WHEN 'down' THEN 'ADET' END AS element,
       CASE WHEN c.total THEN coalesce(g.parts, 0) END AS parts, CASE WHEN c.good THEN coalesce(g.good_parts, 0) END AS good_parts, r.reason
FROM stretches t JOIN pseudonyms n ON n.equipment = t.equipment JOIN counters c ON c.equipment = t.equipment
LEFT JOIN grown g ON g.equipment = t.equipment AND g.start = t.start
LEFT JOIN noted r ON r.equipment = t.equipment AND r.start = t.start
ORDER BY machine, t.start
