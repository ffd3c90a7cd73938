@echo off
rem Starts the hub from any folder. Files that are given are those of the caller's
rem folder; without a word it runs in the project's folder with the config.ini that
rem lies there. To start it at logon, put a shortcut to this file into the folder that
rem Win+R, shell:startup opens.
setlocal
for %%I in ("%~dp0..") do set "root=%%~fI"
if "%~1"=="" (
  cd /d "%root%"
  node "%root%\route" "%root%\config.ini"
) else node "%root%\route" %*
exit /b %errorlevel%
