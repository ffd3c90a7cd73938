@echo off
rem Starts the hub with config.ini of the project's folder. To start it at logon, put a
rem shortcut to this file into the folder that Win+R, shell:startup opens.
cd /d "%~dp0.."
if "%~1"=="" (node route config.ini) else (node route %*)
