-- What the rows of each station come to: minutes with both power and flow. View: rows.
WITH whole AS (SELECT *, date_trunc('hour', time) AS hour FROM rows WHERE power IS NOT NULL),
hours AS (SELECT station, hour, avg(flow) AS flow FROM whole GROUP BY ALL HAVING count(*) >= 30)
SELECT w.station, CAST(count(*) / 60 AS DECIMAL(18, 1)) AS hours, CAST(sum(power) / 60 AS DECIMAL(18, 1)) AS energy_kwh,
       CAST(sum(flow) AS DECIMAL(18, 1)) AS air_m3, CAST(sum(power) / nullif(sum(flow), 0) AS DECIMAL(18, 2)) AS specific_power,
       CAST(sum(power) / 60 / nullif(sum(flow), 0) AS DECIMAL(18, 4)) AS specific_energy,
       CAST((SELECT min(h.flow) FROM hours h WHERE h.station = w.station) AS DECIMAL(18, 2)) AS flow_least
FROM whole w GROUP BY w.station ORDER BY w.station
